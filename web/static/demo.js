"use strict";
for (const phone of document.querySelectorAll(".phone")) {
  const screen = phone.querySelector(".screen"), form = phone.querySelector("form"), input = form.elements.body;
  const add = (className, text) => {
    const node = document.createElement(className === "count" ? "p" : "div");
    node.className = className === "count" ? className : `bubble ${className}`;
    node.dir = "auto";
    node.textContent = text;
    screen.append(node);
    screen.scrollTop = screen.scrollHeight;
  };
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const body = input.value;
    input.value = "";
    input.focus();
    add("out", body);
    try {
      const answer = await fetch("/demo/send", {
        method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ from: phone.dataset.from, body }),
      });
      const data = await answer.json();
      for (const message of data.messages) {
        add("in", message.text);
        add("count", `${message.segments} segment${message.segments === 1 ? "" : "s"}, ${message.encoding}${message.cost ? `, $${message.cost}` : ""}`);
      }
      if (!data.messages.length) add("count", "no reply");
    } catch {
      add("count", "the server did not answer");
    }
  });
}
