// Spares the reload: everything here also works without it, by plain form posts. Keeps the token in the page alone.
"use strict";
(() => {
  const $ = (id) => document.getElementById(id);
  const form = $("ask"), text = $("text"), log = $("log"), status = $("status"), options = $("options"), token = $("token");
  const words = $("words").dataset;
  let locale = document.body.dataset.locale, busy = false, composing = false, running = null;

  const make = (tag, attributes = {}, ...children) => {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    node.append(...children);
    return node;
  };

  const mine = (said) => log.append(
    make("div", { class: "mine" }, make("p", { class: "who" }, words.you), make("p", { dir: "auto" }, said)));

  const theirs = (reply, lang, dir) => {
    const box = make("article", { class: "reply", lang: lang.replace("_", "-"), dir, tabindex: "-1" }, make("p", { class: "who" }, words.us));
    const body = document.createElement("div");
    body.innerHTML = reply.html; // made by the server from our own texts; never from what a person typed
    box.append(body);
    if (reply.say) {
      const say = make("div", { class: "say" }, make("p", {}, words.say), make("p", { class: "english", lang: "en", dir: "ltr" }, reply.say));
      if (reply.spelled) say.append(make("p", {}, reply.spelled));
      box.append(say);
    }
    if (reply.sources.length) {
      const list = make("ul");
      for (const source of reply.sources) {
        list.append(make("li", {}, make("a", { href: source.url, rel: "noreferrer", dir: "auto" }, source.title), ` (${source.collected})`));
      }
      const note = words.reviewed + (reply.translation === "machine draft" ? " " + words.draft : "");
      const date = words.collected.replace("{date}", reply.sources[0].collected);
      box.append(make("details", {}, make("summary", {}, `${words.sources}: ${date}`), list, make("p", {}, reply.reviewed ? "" : note)));
    }
    log.append(box);
    return box;
  };

  const offer = (choices) => {
    options.replaceChildren();
    if (!choices.length) return;
    options.append(make("p", {}, words.also));
    const ticks = choices.filter((choice) => choice.tick);
    for (const choice of ticks) {
      options.append(make("label", {}, make("input", { type: "checkbox", name: "tick", value: choice.tick }), " " + choice.label));
    }
    if (ticks.length) options.append(make("button", { name: "option", value: ticks[0].id.split("|")[0], type: "submit", formnovalidate: "" }, words.count));
    for (const choice of choices.filter((one) => !one.tick)) options.append(make("button", { name: "option", value: choice.id, type: "submit", formnovalidate: "" }, choice.label));
  };

  const ask = async (fields, shown) => {
    if (busy) return;
    busy = true;
    running = new AbortController();
    const timer = setTimeout(() => running.abort(), 20000);
    mine(shown);
    status.textContent = words.thinking;
    const message = { ...fields, locale, message_id: crypto.randomUUID ? crypto.randomUUID() : String(Math.random()) };
    if (token.value) message.token = token.value;
    try {
      const send = () => fetch("/chat", {
        method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(message), signal: running.signal,
      });
      const answer = await send().catch((error) => { if (running.signal.aborted) throw error; return send(); }); // same id: answered once
      if (!answer.ok) throw new Error(answer.status);
      const data = await answer.json();
      setToken(data.token);
      locale = data.locale;
      const boxes = data.replies.map((reply) => theirs(reply, data.locale, data.dir));
      offer(data.options);
      status.textContent = "";
      $("erase").hidden = false;
      if (boxes.length) boxes[0].scrollIntoView({ block: "nearest" });
    } catch {
      status.textContent = words.failed;
    }
    clearTimeout(timer);
    busy = false;
  };

  const setToken = (value) => document.querySelectorAll("input[name=token]").forEach((input) => { input.value = value; });

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const button = event.submitter;
    if (button && button.name === "option") {
      const ticked = button.value.includes("|") ? [] : [...options.querySelectorAll("input:checked")];
      const shown = ticked.map((tick) => tick.parentElement.textContent.trim()).join(", ");
      return ask({ option: [button.value, ...ticked.map((tick) => tick.value)].join("|") }, shown || button.textContent.trim());
    }
    const said = text.value.trim();
    if (!said) return;
    text.value = "";
    text.focus();
    ask({ text: said }, said);
  });
  text.addEventListener("compositionstart", () => { composing = true; });
  text.addEventListener("compositionend", () => { composing = false; });
  text.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !composing && !event.isComposing) {
      event.preventDefault();
      form.requestSubmit($("send"));
    }
  });

  const erase = () => {
    if (token.value) {
      const body = JSON.stringify({ token: token.value });
      fetch("/chat/erase", { method: "POST", headers: { "content-type": "application/json" }, body, keepalive: true }).catch(() => {});
    }
    running?.abort();
    setToken("");
    log.replaceChildren();
  };
  $("erase").hidden = !token.value;
  $("erase").addEventListener("click", () => { erase(); offer([]); status.textContent = words.erased; $("erase").hidden = true; });

  const leave = (event) => {
    event.preventDefault();
    document.body.append(make("div", { id: "cover" }));
    document.title = "…";
    erase();
    location.replace($("leave").href);
  };
  $("leave").addEventListener("click", leave);
  let shifts = [];
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Shift" || event.repeat) return;
    shifts = [...shifts.filter((when) => Date.now() - when < 5000), Date.now()];
    if (shifts.length === 3) leave(event);
  });
  // A page brought back by the Back button shows nothing of the conversation.
  addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
})();
