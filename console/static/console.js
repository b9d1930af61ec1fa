"use strict";
/* One key for each page and for the first nine choices. Every page works without this: access keys, Tab and Enter do the same. */
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
  const field = document.activeElement;
  if (event.key === "Enter" && field.matches("select") && field.form) { event.preventDefault(); field.form.requestSubmit(); return; }
  if (event.key === "Escape") { field.blur(); return; }
  const digitsOnly = field.hasAttribute("data-digits");
  if (field.matches("input, select, textarea") && !(digitsOnly && /^[a-z]$/.test(event.key))) return;
  if (!/^[a-z1-9]$/.test(event.key)) return;
  const target = document.querySelector(`[data-key="${event.key}"]`);
  if (target) { event.preventDefault(); target.click(); }
});
/* What is on the screen goes when the session does: its seconds without a request stand in the page. */
const ends = Number(document.body.dataset.ends);
if (ends) setTimeout(() => location.replace("/console/sign-in?locked=1"), ends * 1000);
