// Leaving, showing large, reading aloud. Pages work without it.
"use strict";
(() => {
  const $ = (id) => document.getElementById(id);
  const leaving = $("leaving-words").dataset, words = $("page-words")?.dataset;

  // --- Leave now: as GOV.UK's "exit this page" specifies it ---
  const leave = (event) => {
    event?.preventDefault();
    document.title = "…";
    const cover = document.createElement("div");
    cover.id = "cover";
    document.body.append(cover);
    for (const part of document.querySelectorAll("header, main, footer")) part.hidden = true;
    $("leaving").textContent = leaving.leaving;
    window.speechSynthesis?.cancel();
    $("large")?.close(); // it lies above everything, the cover too
    dispatchEvent(new Event("leave")); // the chat page erases its conversation
    location.replace(leaving.leave);
  };
  ($("leave").form ?? $("leave")).addEventListener($("leave").form ? "submit" : "click", leave);
  document.querySelector("#large .leave")?.addEventListener("click", leave);

  let shifts = 0, waiting = 0;
  const lights = document.createElement("div");
  lights.className = "lights";
  lights.append(...[1, 2, 3].map(() => document.createElement("i")));
  const show = (text) => {
    $("leaving").textContent = text;
    [...lights.children].forEach((light, i) => light.classList.toggle("on", i < shifts));
    if (shifts) document.body.append(lights); else lights.remove();
  };
  const stop = () => { if (shifts) { shifts = 0; show(leaving.stopped); } };
  document.addEventListener("keyup", (event) => {
    // Capitals have Shift too.
    if (event.key !== "Shift" || event.ctrlKey || event.altKey || event.metaKey) return stop();
    if (alone) {
      clearTimeout(waiting);
      shifts += 1;
      if (shifts === 3) return leave(event);
      show(shifts === 1 ? leaving.more : leaving.once);
      waiting = setTimeout(stop, 5000);
    }
  });
  let alone = false;
  document.addEventListener("keydown", (event) => { alone = event.key === "Shift"; });
  // Back shows nothing of a conversation or a search: the page is asked for anew, by its address, never by the form that was sent.
  history.replaceState(null, "", location.href);
  addEventListener("pageshow", (event) => { if (event.persisted) location.replace(location.pathname + location.search); });

  // --- large, for somebody across a desk ---
  const large = $("large");
  large?.querySelector("button").addEventListener("click", () => large.close());
  large?.addEventListener("close", () => large.querySelector(".content").replaceChildren());
  const enlarge = (...nodes) => {
    const box = large.querySelector(".content");
    box.lang = "en";
    box.dir = "ltr";
    box.replaceChildren(...nodes.map((node) => node.cloneNode(true)));
    large.showModal();
  };
  const button = (text, act) => {
    const made = document.createElement("button");
    made.type = "button";
    made.textContent = text;
    made.addEventListener("click", () => act(made));
    return made;
  };

  // --- read aloud: by voices of the device alone: no word goes to another company ---
  const voice = (lang) => window.speechSynthesis?.getVoices().find(
    (one) => one.localService && one.lang.replace("_", "-").toLowerCase().split("-")[0] === lang.toLowerCase().split("-")[0]);
  const read = (article) => (pressed) => {
    const speaking = speechSynthesis.speaking;
    speechSynthesis.cancel();
    pressed.textContent = words.read;
    if (speaking) return;
    const spoken = new SpeechSynthesisUtterance(article.querySelector(".body").innerText);
    spoken.voice = voice(article.lang);
    spoken.lang = article.lang;
    spoken.onend = () => { pressed.textContent = words.read; };
    pressed.textContent = words.stop;
    speechSynthesis.speak(spoken);
  };

  const equip = (article) => {
    let tools = article.querySelector(".tools");
    if (!tools) { tools = document.createElement("div"); tools.className = "tools"; article.append(tools); }
    const english = article.querySelector(".say .english");
    if (english && !article.dataset.large) {
      article.dataset.large = "1";
      tools.append(button(words.large, () => enlarge(english)));
    }
    if (!article.dataset.voice && voice(article.lang)) {
      article.dataset.voice = "1";
      tools.append(button(words.read, read(article)));
    }
    const link = article.querySelector(".in-english");
    if (link && !link.dataset.ready) {
      link.dataset.ready = "1";
      link.addEventListener("click", async (event) => {
        event.preventDefault();
        try {
          const answer = await fetch(link.href);
          if (!answer.ok) throw new Error(answer.status);
          const page = new DOMParser().parseFromString(await answer.text(), "text/html");
          enlarge(...page.querySelectorAll("article h1, article .body, article .english"));
        } catch { location.href = link.href; }
      });
    }
  };
  const equipAll = () => document.querySelectorAll("article.reply").forEach(equip);
  equipAll();
  window.speechSynthesis?.addEventListener?.("voiceschanged", equipAll);
  addEventListener("reply", equipAll);

  addEventListener("beforeprint", () => document.querySelectorAll(".basis").forEach((one) => { one.open = true; }));
})();
