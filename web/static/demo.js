"use strict";
const openings = JSON.parse(document.getElementById("openings").textContent);
for (const place of document.querySelectorAll(".place")) {
  const section = place.querySelector(".phone"), form = section.querySelector("form"), input = form.elements.body;
  const language = place.querySelector("select"), phone = phoneOn(section);
  let example = -1;
  place.querySelector(".example button").addEventListener("click", () => {
    const texts = openings[language.value];
    example = (example + 1) % texts.length;
    input.value = texts[example];
    input.focus();
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const body = input.value;
    input.value = "";
    input.focus();
    phone.sent(body);
    try {
      phone.received(await textFrom(section.dataset.from, body));
    } catch {
      phone.note("the server did not answer");
    }
  });
}
