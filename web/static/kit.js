// The kit: recorded scenes step by step, a search through the answers of a page, printing. Pages also read well without it.
"use strict";
(() => {
  const $ = (id) => document.getElementById(id);

  const section = document.querySelector(".phone");
  if (section) {
    const phone = phoneOn(section), data = JSON.parse($("data").textContent);
    runScenes({
      data,
      send: (text, channels, { scene, locale, step }) => {
        phone.sent(text, locale);
        if (channels.includes("sms")) phone.received(data.recorded[scene][locale.code][step], locale);
        else phone.note("on the chat page only");
      },
      clear: () => phone.clear(),
    });
  }

  // Accents, vowel signs of Arabic and Urdu, and capitals make no difference; every word must occur.
  const plain = (text) => text.normalize("NFKD").replace(/\p{Diacritic}|[\u064b-\u0652\u0670]/gu, "").toLowerCase();
  const field = $("q");
  if (field) {
    const items = [...document.querySelectorAll(".answers li")];
    const texts = items.map((item) => plain(`${item.textContent} ${item.dataset.text}`));
    const search = () => {
      const words = plain(field.value).split(/\s+/).filter(Boolean);
      items.forEach((item, i) => { item.hidden = !words.every((word) => texts[i].includes(word)); });
      for (const topic of document.querySelectorAll(".topic")) topic.hidden = !topic.querySelector("li:not([hidden])");
      const count = items.filter((item) => !item.hidden).length;
      $("found").textContent = !words.length ? "" : count ? `${count} / ${items.length}` : $("found").dataset.none;
    };
    field.addEventListener("input", search);
    field.form.addEventListener("submit", (event) => event.preventDefault());
    search(); // a browser may bring back what was typed
  }

  for (const button of document.querySelectorAll("[data-print]")) {
    button.hidden = false;
    button.addEventListener("click", () => print());
  }
})();
