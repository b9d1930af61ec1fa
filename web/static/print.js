// Where scripts run, a button prints; elsewhere the page says how to.
for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}
for (const hint of document.querySelectorAll("[data-print-how]")) hint.hidden = true;
