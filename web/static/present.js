// The presenter's screen: the same message to the phone and to the chat page, typed questions in both, and a clean start for each person.
"use strict";
(() => {
  const $ = (id) => document.getElementById(id);
  const frame = $("chat"), section = document.querySelector(".phone"), form = section.querySelector("form");
  const phone = phoneOn(section), data = JSON.parse($("data").textContent), idle = Number(document.body.dataset.idle) * 1000;
  let number = section.dataset.from, last = Date.now(), warned = false;

  const until = async (holds, most) => {
    for (const end = Date.now() + most; !holds() && Date.now() < end;) await new Promise((go) => setTimeout(go, 50));
  };
  const inChat = (selector) => frame.contentDocument?.querySelector(selector); // nothing, where "Leave now" has left
  const text = async (body, current, locale) => {
    phone.sent(body, locale);
    await cleaning;
    if (!current()) return;
    const messages = await textFrom(number, body);
    if (current()) phone.received(messages, locale);
  };
  const chat = async (body, current) => {
    await cleaning;
    if (!current()) return;
    const field = inChat("textarea"), log = inChat("[role=log]");
    if (!field) return;
    const before = log.childElementCount;
    field.value = body;
    field.form.requestSubmit(inChat("#send"));
    $("next").focus(); // the page takes the focus to its field, where our keys would be letters
    const gone = () => !frame.contentDocument?.contains(log);
    await until(() => log.childElementCount >= before + 2 || gone(), 20000);
    if (document.activeElement === frame) $("next").focus();
    if (gone()) return;
    const asked = log.children[before], bar = inChat("header").getBoundingClientRect().height; // shown from the question on
    frame.contentWindow.scrollBy({ top: asked.getBoundingClientRect().top - bar - 8, behavior: "instant" });
  };
  const openChat = (locale) => new Promise((done) => {
    frame.addEventListener("load", done, { once: true });
    setTimeout(done, 10000);
    frame.contentWindow.location.replace(`/${locale}/`);
  });
  const clean = async (locale) => {
    const token = inChat("input[name=token]")?.value ?? "", opened = openChat(locale);
    const answer = await fetch("/present/reset", {
      method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ number, token }),
    });
    if (!answer.ok) throw new Error(answer.status);
    number = (await answer.json()).number;
    section.querySelector(".number").textContent = number;
    await opened;
  };

  let running = 0; // of typed questions too: an answer to somebody before is not shown to the next
  let cleaning = Promise.resolve(); // one after the other, and nothing is sent meanwhile; of keys in quick succession the last counts
  const scenes = runScenes({
    data,
    send: (body, channels, { locale, current }) => Promise.all([
      channels.includes("sms") && text(body, current, locale), channels.includes("web") && chat(body, current),
    ]),
    clear: (locale) => {
      running += 1;
      const mine = running, cleaned = cleaning.then(() => mine === running && clean(locale));
      phone.clear();
      form.reset();
      inChat("[role=log]")?.replaceChildren(); // at once, not when the page has come anew
      warned = false;
      cleaning = cleaned.catch(() => {});
      return cleaned;
    },
  });

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const body = form.elements.body.value.trim(), mine = running;
    if (!body) return;
    form.reset();
    try {
      await text(body, () => mine === running);
    } catch {
      phone.note("the server did not answer");
    }
  });

  // --- the chat page inside: its keys are ours too, and after "Leave now" there is nothing of ours in the frame ---------------
  const active = () => { last = Date.now(); if (warned) { warned = false; scenes.show(); } };
  const listen = (page) => ["keydown", "pointerdown", "pointermove", "input", "wheel"].forEach((name) => page.addEventListener(name, active, { passive: true }));
  const loaded = () => {
    const page = frame.contentDocument;
    $("left").hidden = Boolean(page);
    if (!page) return;
    listen(page);
    page.addEventListener("keydown", scenes.onKey);
  };
  frame.addEventListener("load", loaded);
  listen(document);
  if (frame.contentDocument?.readyState === "complete") loaded();

  // --- nobody there ------------------------------------------------------------------------------------------------------------
  const used = () => !phone.empty || form.elements.body.value || !frame.contentDocument || inChat("[role=log]")?.childElementCount || inChat("textarea")?.value;
  setInterval(() => {
    const left = idle - (Date.now() - last);
    if (scenes.busy) last = Date.now();
    else if (left <= 0) {
      last = Date.now();
      if (used()) scenes.restart();
    } else if (left <= Math.min(10000, idle / 2) && !warned && used()) {
      warned = true;
      scenes.show("About to clear. Any key keeps it.");
    }
  }, 250);

  (async () => {
    for (let ready = false; !ready;) {
      ready = await fetch("/ready").then((answer) => answer.ok, () => false);
      $("starting").hidden = ready;
      if (!ready) await new Promise((go) => setTimeout(go, 500));
    }
  })();
})();
