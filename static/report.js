"use strict";
// The short report: items are suggested while one types, and the complainant's fields stand there when they are wanted.

(() => {
  const form = document.querySelector("form.report"), words = form.elements.description;
  const field = form.querySelector(".suggest"), box = form.querySelector(".pick-items");
  let timer = 0, asked = 0;

  // What has a script needs not be asked again when it is sent.
  form.elements.asked.value = "1";

  const item = (id, name, note, checked) => {
    const label = document.createElement("label"), input = document.createElement("input");
    const text = document.createElement("span"), strong = document.createElement("b"), small = document.createElement("small");
    label.className = "pick-item";
    Object.assign(input, { type: "radio", name: "item", value: id, checked });
    strong.textContent = name;
    small.textContent = note;
    text.append(strong, ...(note ? [small] : []));
    label.append(input, text);
    return label;
  };

  // Only Chinese characters leave the form: no number that somebody has written into the text.
  const suggest = async () => {
    const query = words.value.replace(/[^\u3400-\u9fff]+/g, " ").trim().slice(0, 200), mine = ++asked;
    if (query.length < 2) return;
    try {
      const answer = await fetch(`${form.dataset.suggest}?q=${encodeURIComponent(query)}`);
      const found = answer.ok ? await answer.json() : [];
      if (mine !== asked || !found.length) return;
      const chosen = box.querySelector("input:checked"), kept = chosen && chosen.value;
      const ids = found.map((one) => String(one.id));
      const before = kept && !ids.includes(kept) ? [chosen.closest("label")] : [];
      box.replaceChildren(...before, ...found.map((one) => item(one.id, one.name, one.note, String(one.id) === kept)), item("", box.dataset.none, "", !kept));
      field.hidden = false;
    } catch (error) { /* The report does without. */ }
  };
  words.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(suggest, 400); });
  if (words.value !== words.defaultValue) suggest();  // typed before this script was here

  // What may be known already: asked with all that was typed but the pictures, in the body of the request.
  const known = form.querySelector(".known"), lines = known.querySelector("ul");
  let looking = 0, waiting = 0;
  const look = async () => {
    const mine = ++looking, given = new FormData(form);
    given.delete("photos");
    try {
      const answer = await fetch(form.dataset.known, { method: "POST", body: given });
      const found = answer.ok ? await answer.json() : { cases: [], elsewhere: "" };
      if (mine !== looking) return;
      const line = (one) => {
        const row = document.createElement("li"), link = document.createElement("a"), note = document.createElement("small");
        Object.assign(link, { href: one.url, target: "_blank", rel: "noopener", textContent: one.number });
        note.textContent = one.note;
        row.append(link, ` ${one.title}`, note);
        return row;
      };
      const rest = document.createElement("li");
      rest.textContent = found.elsewhere;
      lines.replaceChildren(...found.cases.map(line), ...(found.elsewhere ? [rest] : []));
      known.hidden = !lines.children.length;
    } catch (error) { /* The report does without. */ }
  };
  const wait = () => { clearTimeout(waiting); waiting = setTimeout(look, 700); };
  form.addEventListener("input", wait);
  form.addEventListener("change", wait);
  if (words.value !== words.defaultValue) wait();

  // Who follows from the community. A look-up tells of its choice by "change".
  const staff = form.querySelector(".staff");
  let follows = 0;
  const follow = async (community) => {
    const mine = ++follows;
    try {
      const answer = await fetch(`${form.dataset.people}?community=${encodeURIComponent(community)}`);
      const found = answer.ok ? await answer.json() : { words: "" };
      if (mine !== follows) return;
      staff.textContent = found.words;
      staff.hidden = !found.words;
    } catch (error) { /* The server works it out again. */ }
  };
  form.addEventListener("change", (event) => { if (event.target.name === "community") follow(event.target.value); });

  const parts = Array.from(form.querySelectorAll("[data-when]"));
  const show = () => parts.forEach((part) => {
    const [name, value] = part.dataset.when.split("=");
    part.hidden = new FormData(form).get(name) !== value;
  });
  form.addEventListener("change", show);
  show();
})();
