"use strict";
// Forms of steps: a common phrase is put in where one writes, what is asked only for one choice is hidden for others,
// and a chosen item says what it fixes.

(() => {
  for (const list of document.querySelectorAll(".phrases")) {
    const target = list.closest(".field").querySelector("textarea, input[type=text]");
    for (const item of list.querySelectorAll("li")) {
      const button = Object.assign(document.createElement("button"), { type: "button", textContent: item.textContent });
      button.addEventListener("click", () => {
        target.value = [target.value.trim(), item.textContent].filter(Boolean).join("");
        target.dispatchEvent(new Event("input", { bubbles: true }));
        target.focus();
      });
      item.replaceChildren(button);
    }
  }

  const conditional = [...document.querySelectorAll("[data-only-if]")];
  const fit = () => {
    for (const field of conditional) {
      const form = field.closest("form"), chosen = form.elements[field.dataset.onlyIf];
      field.hidden = !field.dataset.onlyValues.split(" ").includes(chosen ? chosen.value : "");
    }
    for (const section of new Set(conditional.map((field) => field.closest("section")))) {
      section.hidden = [...section.querySelectorAll(".field")].every((field) => field.hidden);
    }
  };
  if (conditional.length) {
    fit();
    document.addEventListener("change", fit);
  }

  const box = document.querySelector(".fixed-by"), form = document.querySelector("form.record");
  const item = box && form && form.querySelector("[name=item]");
  if (!item) return;
  let asked = 0;
  const show = async () => {
    const mine = ++asked, urgency = form.querySelector("[name=urgency]");
    box.hidden = true;
    if (!item.value) return;
    try {
      const query = new URLSearchParams({ item: item.value, urgency: urgency ? urgency.value : "" });
      const answer = await fetch(`${box.dataset.url}&${query}`), lines = answer.ok ? await answer.json() : [];
      if (mine !== asked || !lines.length) return;
      box.replaceChildren(...lines.map(([label, text]) => {
        const line = document.createElement("div"), term = document.createElement("dt"), value = document.createElement("dd");
        term.textContent = label;
        value.textContent = text;
        line.append(term, value);
        return line;
      }));
      box.hidden = false;
    } catch (error) { /* What it fixes is shown after it is sent. */ }
  };
  form.addEventListener("change", (event) => { if (["item", "urgency"].includes(event.target.name)) show(); });
})();
