// A telephone on a page: what was sent and what came back, each message with its parts, segments, encoding and cost.
"use strict";
const phoneOn = (section) => {
  const screen = section.querySelector(".screen");
  // The language is known of a scene only, and after ENGLISH the answer is in another: letters beyond Latin's are sure to be its own.
  const add = (className, text, locale = {}) => {
    const node = document.createElement("p");
    node.className = className;
    node.dir = "auto";
    if (/[\u0370-\uffff]/.test(text.replace(/\p{P}/gu, "")) && locale.code) {
      node.lang = locale.code.replace("_", "-");
      node.dir = locale.dir;
    }
    node.textContent = text;
    screen.append(node);
    screen.scrollTop = screen.scrollHeight;
    return node;
  };
  const note = (text) => { add("count", text).dir = "ltr"; };
  return {
    sent: (text, locale) => add("bubble out", text, locale),
    received: (messages, locale) => {
      const total = messages.length, shown = messages.map((message, i) => {
        const bubble = add("bubble in", message.text, locale), parts = message.segments;
        note((total > 1 ? `${i + 1} of ${total}: ` : "") + `${parts} segment${parts === 1 ? "" : "s"}, ${message.encoding}` + (message.cost ? `, $${message.cost}` : ""));
        return bubble;
      });
      if (!total) note("no reply");
      else {
        const from = [...screen.querySelectorAll(".out")].pop() ?? shown[0]; // shown from the question on
        screen.scrollTop += from.getBoundingClientRect().top - screen.getBoundingClientRect().top - 12;
      }
    },
    note,
    clear: () => screen.replaceChildren(),
    get empty() { return !screen.childElementCount; },
  };
};

// Through the real webhook: the messages that come back. Fails where the server does not answer.
const textFrom = async (number, body) => {
  const answer = await fetch("/demo/send", {
    method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ from: number, body }),
  });
  if (!answer.ok) throw new Error(answer.status);
  return (await answer.json()).messages;
};
