"use strict";
// What the pages gain from a script: every one of them works without it.

document.documentElement.classList.add("js");

const all = (selector, root = document) => Array.from(root.querySelectorAll(selector));

// ---- Frame ----

function menu() {
  const side = document.querySelector(".side"), button = document.querySelector(".menu-button");
  if (!side) return;
  const show = (open) => {
    side.classList.toggle("open", open);
    button.setAttribute("aria-expanded", open);
    if (open) (side.querySelector("a.on") || side.querySelector("a")).focus();
  };
  button.addEventListener("click", (event) => { event.preventDefault(); show(!side.classList.contains("open")); });
  document.querySelector(".side-close").addEventListener("click", (event) => {
    if (window.location.hash !== "#menu") event.preventDefault();
    show(false);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && side.classList.contains("open")) { show(false); button.focus(); }
  });
}

// A box that scrolls and holds nothing to stop at is a stop itself, so that the arrow keys reach what it hides.
function scrolling() {
  all(".grid-box").filter((box) => !box.querySelector("a, button, input, select, [tabindex]")).forEach((box) => { box.tabIndex = 0; });
}

// A drop-down closes when one clicks elsewhere or presses Escape.
function drops() {
  const close = (except) => all("details.drop[open]").forEach((drop) => { if (!drop.contains(except)) drop.open = false; });
  document.addEventListener("click", (event) => close(event.target));
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") close(null); });
}

// The search above every page, by / or Ctrl+K: what is found opens below the box, by the mouse or the arrow keys.
function finder() {
  const form = document.querySelector("form.find"), text = form && form.querySelector('input[type="search"]');
  if (!form) return;
  const list = document.createElement("div");
  let active = -1, timer = 0, asked = 0;
  list.id = "found-list";
  list.className = "found";
  list.hidden = true;
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", text.getAttribute("aria-label"));
  for (const [name, value] of [["role", "combobox"], ["aria-expanded", "false"], ["aria-controls", list.id], ["aria-autocomplete", "list"]]) text.setAttribute(name, value);
  form.append(list);
  const lines = () => all("a", list);
  const close = () => {
    clearTimeout(timer);
    asked += 1;
    active = -1;
    list.hidden = true;
    text.setAttribute("aria-expanded", "false");
    text.removeAttribute("aria-activedescendant");
  };
  const mark = (index) => {
    const found = lines();
    active = (index + found.length) % found.length;
    found.forEach((line, i) => line.setAttribute("aria-selected", i === active));
    found[active].scrollIntoView({ block: "nearest" });
    text.setAttribute("aria-activedescendant", found[active].id);
  };
  const show = async () => {
    const mine = ++asked;
    let answer = "";
    try {
      const response = await fetch(form.action, { method: "POST", body: new URLSearchParams([...new FormData(form), ["part", "1"]]) });
      if (!response.ok || response.redirected) throw new Error(response.status);
      answer = await response.text();
    } catch (error) {
      answer = Object.assign(document.createElement("p"), { className: "empty-line", textContent: document.body.dataset.wordsFailed }).outerHTML;
    }
    if (mine !== asked) return;
    list.innerHTML = answer;
    lines().forEach((line, i) => { line.id = `found-${i}`; line.tabIndex = -1; });
    active = -1;
    text.removeAttribute("aria-activedescendant");
    list.hidden = false;
    text.setAttribute("aria-expanded", "true");
  };
  text.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(show, 200); });
  text.addEventListener("focus", show);
  text.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (event.key === "Escape") { event.preventDefault(); if (list.hidden) text.blur(); else close(); }
    if (list.hidden || !lines().length) return;
    if (event.key === "ArrowDown") { event.preventDefault(); mark(active + 1); }
    if (event.key === "ArrowUp") { event.preventDefault(); mark(active < 0 ? -1 : active - 1); }
    if (event.key === "Enter" && active >= 0) { event.preventDefault(); window.location.assign(lines()[active].href); }
  });
  text.addEventListener("blur", close);
  list.addEventListener("mousedown", (event) => event.preventDefault());  // the focus stays in the box
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input, textarea, select, dialog") || event.isComposing;
    const wanted = event.ctrlKey || event.metaKey ? event.key.toLowerCase() === "k" : event.key === text.dataset.key && !typing;
    if (wanted) { event.preventDefault(); text.focus(); text.select(); }
  });
}

// ---- Sending ----

// `{n}` in a question is how many records are ticked.
function ask(text, button) {
  const question = text.replace("{n}", all('[name="rowid"]:checked').length), act = button.textContent.trim();
  const look = /warn|danger/.test(button.className) ? "btn danger" : "btn go";
  if (!window.HTMLDialogElement) return Promise.resolve(window.confirm(question));
  const dialog = document.createElement("dialog"), words = document.createElement("p"), form = document.createElement("form");
  words.textContent = question;
  form.method = "dialog";
  for (const [value, label, className] of [["", document.body.dataset.wordsCancel, "btn"], ["yes", act, look]]) {
    form.append(Object.assign(document.createElement("button"), { value, className, textContent: label }));
  }
  dialog.append(words, form);
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => dialog.addEventListener("close", () => { dialog.remove(); resolve(dialog.returnValue === "yes"); }));
}

// A date typed by half counts as empty when sent, so the browser is asked to point it out first.
function halfTyped(form) {
  return Array.from(form.elements).some((control) => control.validity && control.validity.badInput && !control.reportValidity());
}

// A look-up with a text that stands for no record yet is settled before its form is sent.
function settleFirst(event) {
  const open = all(".lookup", event.target).filter((box) => box.isOpen && box.isOpen()), button = event.submitter;
  if (!open.length) return;
  event.preventDefault();
  event.stopPropagation();
  Promise.all(open.map((box) => box.settle())).then((known) => {
    if (known.every(Boolean)) event.target.requestSubmit(button);
    else open[known.indexOf(false)].text.reportValidity();
  });
}

function onSubmit(event) {
  const form = event.target, button = event.submitter;
  if (form.method === "dialog") return;
  if (halfTyped(form)) { event.preventDefault(); return; }
  const question = (button && button.dataset.confirm) || form.dataset.confirm;
  if (question && !form.dataset.agreed) {
    event.preventDefault();
    ask(question, button || form).then((yes) => { if (yes) { form.dataset.agreed = "yes"; form.requestSubmit(button); } });
    return;
  }
  delete form.dataset.agreed;
  if (form.dataset.sent) { event.preventDefault(); return; }
  if ("once" in form.dataset) {
    form.dataset.sent = "yes";
    // A download leaves the page standing, and its button must work again. "page": the answer takes its time, and a
    // second one would be another.
    if (form.dataset.once !== "page") setTimeout(() => delete form.dataset.sent, 4000);
  }
}

function confirmLinks() {
  all("a[data-confirm]").forEach((link) => link.addEventListener("click", (event) => {
    event.preventDefault();
    ask(link.dataset.confirm, link).then((yes) => { if (yes) window.location.assign(link.href); });
  }));
}

// ---- Lists ----

function bulk() {
  const bar = document.querySelector(".bulk-bar");
  if (!bar) return;
  const ticks = all('input[name="rowid"]'), head = document.querySelector(".tick-all"), words = bar.querySelector(".ticked");
  const show = () => {
    const n = ticks.filter((tick) => tick.checked).length;
    ticks.forEach((tick) => tick.closest("tr").classList.toggle("picked", tick.checked));
    bar.classList.toggle("open", n > 0);
    words.textContent = words.dataset.words.replace("{n}", n);
    head.checked = n === ticks.length;
    head.indeterminate = n > 0 && n < ticks.length;
  };
  const set = (checked) => { ticks.forEach((tick) => { tick.checked = checked; }); show(); };
  ticks.forEach((tick) => tick.addEventListener("change", show));
  head.addEventListener("change", () => set(head.checked));
  bar.querySelector(".untick").addEventListener("click", () => set(false));
  show();
}

// Filters left empty stay out of the address.
function shortAddress() {
  const form = document.getElementById("filters");
  if (!form) return;
  const disable = (off) => Array.from(form.elements).forEach((control) => { control.disabled = off && control.name && !control.value; });
  form.addEventListener("submit", () => disable(true));
  window.addEventListener("pageshow", () => disable(false));
}

// A tick above a column sets all those of its name.
function tickAll() {
  all("[data-ticks]").forEach((head) => {
    head.hidden = false;
    head.addEventListener("change", () => all(`input[name="${head.dataset.ticks}"]`).forEach((tick) => { tick.checked = head.checked; }));
  });
}

// A table that fits lets its header stick to the page; a wider one scrolls in a box of its own.
function fitGrids() {
  all(".grid-box:not(.boxed)").forEach((box) => {
    box.classList.remove("fits", "wider");
    box.classList.add(box.scrollWidth > box.clientWidth ? "wider" : "fits");
  });
}

// On a narrow screen the way of a case scrolls; the present stop is brought into sight.
function way() {
  const line = document.querySelector(".way"), now = line && line.querySelector(".now");
  if (now) line.scrollLeft = now.offsetLeft - line.offsetLeft - line.clientWidth / 2 + now.offsetWidth / 2;
}

// ---- Forms ----

function unsaved() {
  const form = document.querySelector("form.record"), words = form && form.querySelector(".unsaved");
  if (!words) return;  // nothing that could be lost, as where columns are chosen for a file
  const state = () => new URLSearchParams(new FormData(form)).toString();
  // What was typed before this script was here is unsaved too.
  const typed = all("input:not([type=hidden]):not([type=file]), textarea", form).some((one) => one.value !== one.defaultValue);
  const before = typed || "dirty" in form.dataset ? null : state();
  const show = () => { words.textContent = state() === before ? "" : words.dataset.words; };
  ["input", "change"].forEach((kind) => form.addEventListener(kind, show));
  show();
  window.addEventListener("beforeunload", (event) => {
    if (form.dataset.sent || state() === before) return;
    event.preventDefault();
    event.returnValue = "";
  });
}

function errorLinks() {
  const summary = document.querySelector(".errors");
  if (!summary) return;
  summary.focus();
  all("a", summary).forEach((link) => link.addEventListener("click", (event) => {
    const field = document.getElementById(link.hash.slice(1));
    if (!field) return;
    event.preventDefault();
    (field.querySelector("input") || field).focus({ preventScroll: true });
    field.scrollIntoView({ block: "center" });
  }));
}

// ---- Import: a file may be dropped; its name and size are told ----

function dropZone() {
  const zone = document.querySelector(".drop-zone");
  if (!zone) return;
  const input = zone.querySelector("input"), words = zone.querySelector(".drop-file");
  const size = (n) => (n < 1048576 ? `${Math.max(1, Math.round(n / 1024))} KB` : `${(n / 1048576).toFixed(1)} MB`);
  const show = () => {
    const file = input.files[0], wrong = file && !/\.(xlsx|xlsm|xls|ods|csv)$/i.test(file.name);
    zone.classList.toggle("bad", Boolean(wrong));
    words.textContent = wrong ? words.dataset.wordsWrong : file ? `${file.name} · ${size(file.size)}` : "";
  };
  const over = (on) => (event) => { event.preventDefault(); zone.classList.toggle("over", on); };
  input.addEventListener("change", show);
  zone.addEventListener("dragover", over(true));
  zone.addEventListener("dragleave", over(false));
  zone.addEventListener("drop", (event) => {
    over(false)(event);
    if (event.dataTransfer.files.length) { input.files = event.dataTransfer.files; show(); }
  });
  window.addEventListener("pageshow", () => input.files.length && show());
}

// ---- Look-up: a text that finds records by name or initials; the hidden input carries the chosen one's id ----

function lookup(box) {
  const [hidden, text] = all("input", box), clear = box.querySelector(".clear"), list = document.createElement("ul");
  // The text can be typed into before this runs, while the rest of the page is still on its way.
  const early = document.activeElement === text && text.value !== text.defaultValue;
  let chosen = early ? text.defaultValue : text.value, options = [], active = -1, timer = 0, asked = 0;
  const note = Object.assign(document.createElement("div"), { className: "error unknown", id: `${text.id}-unknown`, hidden: true });
  note.setAttribute("role", "status");
  list.id = `${text.id}-list`;
  list.hidden = true;
  list.setAttribute("role", "listbox");
  text.setAttribute("aria-controls", list.id);
  box.append(list, note);

  // A text that stands for no record yet keeps the form from being sent: it is looked up first, or pointed out.
  const isOpen = () => text.value.trim() !== chosen.trim();
  const tell = (unknown) => {
    const words = unknown ? document.body.dataset.wordsUnknown : "";
    note.textContent = words;
    note.hidden = !unknown;
    text.setCustomValidity(words);
    text.classList.toggle("unknown", unknown);
  };
  const close = () => {
    clearTimeout(timer);
    asked += 1;
    active = -1;
    list.hidden = true;
    text.setAttribute("aria-expanded", "false");
    text.removeAttribute("aria-activedescendant");
  };
  const choose = (id, label) => {
    hidden.value = id;
    text.value = chosen = label;
    clear.hidden = !label;
    tell(false);
    close();
    hidden.dispatchEvent(new Event("change", { bubbles: true }));
  };
  const mark = (index) => {
    active = (index + options.length) % options.length;
    Array.from(list.children).forEach((item, i) => item.setAttribute("aria-selected", i === active));
    list.children[active].scrollIntoView({ block: "nearest" });
    text.setAttribute("aria-activedescendant", list.children[active].id);
  };
  const row = (label, index) => {
    const item = document.createElement("li");
    item.textContent = label;
    if (index === undefined) { item.className = "nothing"; return item; }
    item.id = `${list.id}-${index}`;
    item.setAttribute("role", "option");
    item.addEventListener("click", () => choose(...options[index]));
    return item;
  };
  const open = (found, words) => {
    options = found;
    list.replaceChildren(...(found.length ? found.map(([, label], i) => row(label, i)) : [row(words)]));
    list.hidden = false;
    text.setAttribute("aria-expanded", "true");
    list.scrollIntoView({ block: "nearest" });
    if (found.length) mark(0);
  };
  // Of a filter: what the others have, which narrows what is offered (a street its communities, a squad its officers).
  const beside = () => {
    const own = box.closest(".filters .many");
    const others = own ? all(".many", own.closest("form")).filter((many) => many !== own) : [];
    const values = others.flatMap((many) => all(":checked", many).map((tick) => `${many.dataset.name}:${tick.value}`));
    return values.map((value) => `&beside=${encodeURIComponent(value)}`).join("");
  };
  const find = async (query) => {
    const answer = await fetch(`${box.dataset.url}&query=${encodeURIComponent(query)}${beside()}`);
    return (await answer.json()).map(([id, label]) => [String(id), label]);
  };
  // Takes what is typed if it is the only match, or the name of one. Whether the text stands for a record then.
  const settle = async () => {
    if (!isOpen()) return true;
    const typed = text.value.trim();
    let found = [];
    try { found = await find(typed); } catch (error) { found = []; }
    if (text.value.trim() !== typed) return !isOpen();
    const named = found.filter(([, label]) => label === typed), only = named.length === 1 ? named : found;
    if (only.length === 1) choose(...only[0]); else tell(true);
    return only.length === 1;
  };
  Object.assign(box, { isOpen, settle, text });
  const search = async (query) => {
    const mine = ++asked;
    try {
      const found = await find(query);
      if (mine === asked) open(found, document.body.dataset.wordsNone);
    } catch (error) {
      if (mine === asked) open([], document.body.dataset.wordsFailed);
    }
  };
  const keys = {
    ArrowDown: () => (list.hidden ? search(text.value === chosen ? "" : text.value) : options.length && mark(active + 1)),
    ArrowUp: () => !list.hidden && options.length && mark(active - 1),
    Enter: () => active >= 0 && choose(...options[active]),
    Escape: () => { text.value = chosen; tell(false); close(); },
  };
  text.addEventListener("keydown", (event) => {
    if (event.isComposing || !keys[event.key] || (list.hidden && event.key !== "ArrowDown")) return;
    event.preventDefault();
    keys[event.key]();
  });
  text.addEventListener("input", () => {
    clearTimeout(timer);
    tell(false);
    if (text.value.trim()) timer = setTimeout(() => search(text.value.trim()), 200);
    else choose("", "");
  });
  text.addEventListener("click", () => { if (list.hidden && !hidden.value) search(""); });
  text.addEventListener("blur", () => { close(); settle(); });
  // Keeps the focus in the text while the mouse is on the list or the clear button.
  [list, clear].forEach((part) => part.addEventListener("mousedown", (event) => event.preventDefault()));
  clear.addEventListener("click", () => { choose("", ""); text.focus(); });
  clear.hidden = !chosen;
  if (early) text.dispatchEvent(new Event("input", { bubbles: true }));
}

// ---- Several records: what the look-up finds becomes a ticked box ----

function many(box) {
  const [hidden, text] = all(".lookup input", box), list = box.querySelector("ul");
  hidden.addEventListener("change", () => {
    if (!hidden.value) return;
    let tick = all("input", list).find((one) => one.value === hidden.value);
    if (!tick) {
      const row = box.querySelector("template").content.firstElementChild.cloneNode(true);
      tick = row.querySelector("input");
      [tick.name, tick.value] = [box.dataset.name, hidden.value];
      row.querySelector("label").append(` ${text.value}`);
      list.append(row);
    }
    tick.checked = true;
    box.querySelector(".clear").click();
  });
}

// ---- Child rows: one is added, one is removed ----

// A new row is taken out; a stored one is greyed until the form is saved, and comes back when its box is unticked.
function childRow(row) {
  const tick = row.querySelector(".child-remove input");
  if (!tick) return;
  tick.addEventListener("change", () => {
    if (tick.name.includes(".n")) {
      const list = row.parentElement;
      row.remove();
      list.dispatchEvent(new Event("change", { bubbles: true }));
    } else row.classList.toggle("going", tick.checked);
  });
}

function childRows(box) {
  const list = box.querySelector(".child-list"), template = box.querySelector("template"), add = box.querySelector(".add-row");
  all(".child-row", list).forEach(childRow);
  if (!add) return;
  const number = (row) => Number((row.id.match(/\.n(\d+)\./) || [0, 0])[1]);
  let next = 1 + Math.max(0, ...all(".child-row", list).map(number));
  const count = () => {
    const rows = all(".child-row", list), full = rows.length >= Number(box.dataset.most);
    rows.forEach((row, index) => { row.querySelector(".child-number").textContent = index + 1; });
    add.hidden = full;
    box.querySelector(".child-full").hidden = !full;
  };
  add.addEventListener("click", () => {
    const row = template.content.firstElementChild.cloneNode(true);
    for (const part of [row, ...all("*", row)]) {
      for (const attribute of Array.from(part.attributes)) attribute.value = attribute.value.replaceAll(".n0.", `.n${next}.`);
    }
    next += 1;
    list.append(row);
    childRow(row);
    all(".lookup", row).forEach(lookup);
    all(".many", row).forEach(many);
    row.querySelector(".fields").querySelector("select, textarea, input:not([type=hidden])").focus();
    list.dispatchEvent(new Event("change", { bubbles: true }));
  });
  list.addEventListener("change", count);
  count();
}

// A button that prints, where a script can.
function printing() {
  all("[data-print]").forEach((button) => { button.hidden = false; button.addEventListener("click", () => window.print()); });
}

// What is long and stands above the text on a phone begins closed there.
function folds() {
  if (window.matchMedia("(max-width: 767px)").matches) all("[data-folds]").forEach((box) => { box.open = false; });
}

document.addEventListener("DOMContentLoaded", () => {
  [menu, scrolling, drops, finder, confirmLinks, bulk, tickAll, shortAddress, fitGrids, unsaved, errorLinks, dropZone, way, printing, folds].forEach((start) => start());
  all(".lookup").forEach(lookup);
  all(".many").forEach(many);
  all(".child-rows").forEach(childRows);
  document.addEventListener("submit", settleFirst, true);
  document.addEventListener("submit", onSubmit);
  window.addEventListener("resize", fitGrids);
  window.addEventListener("pageshow", (event) => { if (event.persisted) all("form").forEach((form) => delete form.dataset.sent); });
});
