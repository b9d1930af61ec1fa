// The chat page without reloads; it also works without this. The token stays in the page alone.
"use strict";
(() => {
  const $ = (id) => document.getElementById(id);
  const form = $("ask"), text = $("text"), log = $("log"), status = $("status"), options = $("options"), token = $("token");
  const words = $("words").dataset;
  let locale = document.body.dataset.locale, composing = false, running = null;

  const make = (tag, attributes = {}, ...children) => {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    node.append(...children);
    return node;
  };

  const mine = (said) => log.append(
    make("div", { class: "mine" }, make("p", { class: "who" }, words.you), make("p", { dir: "auto" }, said)));

  // The same parts as web/templates/parts.html.
  const theirs = (reply) => {
    const box = make("article", { class: "reply", lang: reply.lang.replace("_", "-"), dir: reply.dir, tabindex: "-1" }, make("p", { class: "who" }, words.us));
    const body = make("div", { class: "body" });
    body.innerHTML = reply.html; // our own texts, never what a person typed
    box.append(body);
    if (reply.say) {
      const say = make("div", { class: "say" }, make("p", {}, words.say), make("p", { class: "english", lang: "en", dir: "ltr" }, reply.say));
      if (reply.spelled) say.append(make("p", { class: "spelled" }, reply.spelled));
      box.append(say);
    }
    if (reply.sources.length) {
      const list = reply.sources.map((source) => make("li", {},
        make("a", { href: source.url, rel: "noreferrer", dir: "auto" }, source.title), ` (${source.collected}; ${source.read})`));
      box.append(make("details", { class: "basis" }, make("summary", {}, `${words.sources}: ${reply.collected}`), make("ul", {}, ...list), make("p", {}, reply.state)));
    }
    if (reply.code && reply.lang !== "en") {
      box.append(make("div", { class: "tools" }, make("a", { class: "in-english", href: `/en/a/${reply.code}` }, words.english)));
    }
    log.append(box);
    return box;
  };

  const offer = (choices) => {
    options.replaceChildren();
    if (!choices.length) return;
    const submit = (value, label) => make("button", { name: "option", value, type: "submit", formnovalidate: "" }, label);
    const ticks = choices.filter((choice) => choice.tick);
    options.append(
      make("p", {}, words.also),
      ...ticks.map((choice) => make("label", {}, make("input", { type: "checkbox", name: "tick", value: choice.tick }), " " + choice.label)),
      ...(ticks.length ? [submit(ticks[0].id.split("|")[0], words.count)] : []),
      ...choices.filter((one) => !one.tick).map((choice) => submit(choice.id, choice.label)));
  };

  const setToken = (value) => document.querySelectorAll("input[name=token]").forEach((input) => { input.value = value; });
  const post = (path, data, more) => fetch(path, {
    method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(data), ...more,
  });

  // One after the other: none is lost while another is being answered.
  let last = Promise.resolve();
  const ask = (fields, shown) => {
    mine(shown);
    last = last.then(() => send(fields));
    return last;
  };

  const send = async (fields) => {
    const fromButton = options.contains(document.activeElement);
    running = new AbortController();
    const timer = setTimeout(() => running.abort(), 20000);
    status.textContent = words.thinking;
    const message = { ...fields, locale, message_id: crypto.randomUUID ? crypto.randomUUID() : String(Math.random()) };
    if (token.value) message.token = token.value;
    try {
      const once = () => post("/chat", message, { signal: running.signal });
      const answer = await once().catch((error) => { if (running.signal.aborted) throw error; return once(); }); // same id: answered once
      if (!answer.ok) throw new Error(answer.status);
      const data = await answer.json();
      setToken(data.token);
      locale = data.locale;
      const boxes = data.replies.map(theirs);
      dispatchEvent(new Event("reply"));
      offer(data.options);
      status.textContent = "";
      $("erase").hidden = false;
      $("bytext")?.removeAttribute("hidden");
      if (boxes.length) {
        if (fromButton) boxes[0].focus({ preventScroll: true }); // the button is gone
        boxes[0].scrollIntoView({ block: "nearest" });
      }
    } catch {
      status.textContent = words.failed;
    }
    clearTimeout(timer);
  };

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = event.submitter;
    if (button?.name === "option") {
      const ticked = button.value.includes("|") ? [] : [...options.querySelectorAll("input:checked")];
      const shown = ticked.map((tick) => tick.parentElement.textContent.trim()).join(", ");
      return ask({ option: [button.value, ...ticked.map((tick) => tick.value)].join("|") }, shown || button.textContent.trim());
    }
    if (button?.name === "bytext") {
      const answer = await post("/chat/text", { token: token.value, locale }).catch(() => null);
      status.textContent = answer?.ok ? (await answer.json()).text : words.failed;
      return;
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
    if (event.key === "Enter" && !event.shiftKey && !composing && !event.isComposing && event.keyCode !== 229) { // 229: Safari, still composing
      event.preventDefault();
      form.requestSubmit($("send"));
    }
  });

  const erase = () => {
    const body = { token: token.value };
    running?.abort();
    setToken("");
    text.value = "";
    log.replaceChildren();
    window.speechSynthesis?.cancel();
    return body.token ? post("/chat/erase", body, { keepalive: true }).then((answer) => answer.ok, () => false) : Promise.resolve(true);
  };
  addEventListener("leave", erase);
  // Who goes away cannot come back to this conversation; a change of language takes it along.
  let along = false;
  document.querySelector(".languages").addEventListener("submit", () => { along = true; });
  addEventListener("pagehide", () => { if (!along) erase(); });
  $("erase").hidden = !token.value || !log.querySelector(".reply");
  $("erase").addEventListener("click", async () => {
    $("erase").hidden = true;
    offer([]);
    text.focus();
    const gone = await erase();
    status.textContent = gone ? words.erased : words.failed;
  });
})();
