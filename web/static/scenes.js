// Scenes run by one key: on the presenter's screen, and in the kit. `data`: {scenes, locales}; `send(text, channels, place)` (place: {scene, locale, step, current()}) shows what a
// person writes and what comes back; `clear(locale)` makes everything ready for the next person. Both may take their time.
"use strict";
const runScenes = ({ data, send, clear }) => {
  const $ = (id) => document.getElementById(id);
  const { scenes, locales } = data;
  let scene = 0, step = 0, at = 0, run = 0, busy = false;

  const steps = () => scenes[scene].steps[locales[at].code];
  const show = (status = "") => {
    const coming = steps()[step], { code, dir } = locales[at];
    $("language").value = code;
    [...$("scenes").querySelectorAll("button")].forEach((button, i) => button.setAttribute("aria-pressed", i === scene));
    $("line").textContent = coming ? coming[0] : "End of the scene";
    $("line").lang = coming ? code.replace("_", "-") : "en";
    $("line").dir = coming ? dir : "ltr";
    $("next").setAttribute("aria-disabled", busy || !coming);
    $("status").textContent = status;
  };
  // Whoever clears, clears also what is still on its way: `run` tells an answer to the person before from one to this.
  const restart = async (change = () => {}) => {
    run += 1;
    busy = false;
    change();
    step = 0;
    show();
    try {
      await clear(locales[at].code);
    } catch {
      show("Not cleared: the server does not answer");
    }
  };
  const next = async () => {
    const coming = steps()[step];
    if (busy || !coming) return;
    const mine = run;
    busy = true;
    show("Answering …");
    let status = "";
    try {
      await send(coming[0], coming[1], { scene: scenes[scene].id, locale: locales[at], step, current: () => mine === run });
    } catch {
      status = "The server does not answer";
    }
    if (mine !== run) return;
    busy = false;
    step += status ? 0 : 1;
    show(status || (steps()[step] ? "" : "R clears for the next person"));
  };
  const choose = (i) => restart(() => { scene = i; });
  const speak = (i) => restart(() => { at = (i + locales.length) % locales.length; });

  scenes.forEach((one, i) => {
    const item = document.createElement("li"), button = document.createElement("button"), key = document.createElement("kbd");
    button.type = "button";
    key.textContent = i + 1;
    button.append(key, " ", one.title);
    button.addEventListener("click", () => { choose(i); $("next").focus(); });
    item.append(button);
    $("scenes").append(item);
  });
  for (const locale of locales) {
    const option = new Option(locale.name, locale.code);
    option.lang = locale.code.replace("_", "-");
    $("language").append(option);
  }
  $("language").addEventListener("change", () => { speak(locales.findIndex((one) => one.code === $("language").value)); $("next").focus(); });
  $("next").addEventListener("click", next);
  $("clear").addEventListener("click", () => { restart(); $("next").focus(); });
  $("show-keys").addEventListener("click", () => $("help").showModal());
  $("hide-keys").addEventListener("click", () => $("help").close());

  const onKey = (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || $("help").open) return;
    const within = (selector) => event.target.closest?.(selector);
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    let act = null;
    if (key === "PageDown") act = next;
    else if (within("input, textarea, select")) act = key === "Escape" ? () => $("next").focus() : null;
    else if (key === " ") act = within("button, a, summary") ? null : next;
    else if (!$("keys").checked) act = null;
    else if (key === "n") act = next;
    else if (key === "l") act = () => speak(at + (event.shiftKey ? -1 : 1));
    else if (key === "r") act = () => restart();
    else if (key === "?") act = () => $("help").showModal();
    else if (/^[1-9]$/.test(key) && scenes[key - 1]) act = () => choose(key - 1);
    if (!act) return;
    event.preventDefault();
    if (!event.repeat) act();
  };
  document.addEventListener("keydown", onKey);
  show();
  return { onKey, restart, show, get locale() { return locales[at].code; }, get busy() { return busy; } };
};
