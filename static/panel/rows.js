"use strict";
// Work in lists and on records: keys, edits on the row, changes of many rows.

// Esc leads back, as the first part of the breadcrumb does; in a control it first leaves the control. Ctrl+S saves.
function keys() {
  let open = false;  // before the key closed it
  document.addEventListener("keydown", () => { open = Boolean(document.querySelector("details.drop[open], .side.open, dialog[open]")); }, true);
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing || open) return;
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "s") {
      const save = document.querySelector("form.record .save .go");
      if (save) { event.preventDefault(); save.form.requestSubmit(save); }
      return;
    }
    if (event.key !== "Escape" || event.ctrlKey || event.altKey || event.metaKey) return;
    const control = event.target.closest("input, select, textarea"), back = document.querySelector("[data-back]");
    if (control) control.blur();
    else if (back) window.location.assign(back.href);
  });
}

// ---- Edits on the row: a cell opens by Enter or a click; Enter saves, Esc leaves, Tab saves and opens the next ----

function rows() {
  const table = document.querySelector("table[data-rows]");
  if (!table) return;
  const url = table.dataset.rows, ready = () => all("td[data-edit]", table);
  const part = (text) => new DOMParser().parseFromString(text, "text/html");
  let open = null;

  const ask = async (address, body) => {
    const answer = await fetch(address, body ? { method: "POST", body } : undefined);
    if (answer.redirected || (!answer.ok && ![409, 422].includes(answer.status))) throw new Error(answer.status);
    return part(await answer.text()).body.firstElementChild;
  };
  const rove = (cell) => {
    ready().forEach((one) => { one.tabIndex = -1; });
    if (cell) cell.tabIndex = 0;
  };
  const leave = (focus) => {
    if (!open) return;
    const { cell, nodes } = open;
    open = null;
    cell.classList.remove("editing");
    cell.replaceChildren(...nodes);
    if (focus) cell.focus();
  };
  const failed = () => { leave(true); done(Object.assign(document.createElement("div"), { className: "row-done", textContent: document.body.dataset.wordsFailed })); };
  const done = (bar) => {
    all(".row-done").forEach((one) => one.remove());
    if (!bar) return;
    document.querySelector("main").append(bar);
    const close = bar.querySelector(".leave"), back = bar.querySelector("form");
    if (close) close.addEventListener("click", () => bar.remove());
    if (back) back.addEventListener("submit", async (event) => {
      event.preventDefault();
      try {
        const answer = await ask(back.action, new FormData(back));
        if (answer.matches(".row-done")) { await renew(back.elements.id.value); done(answer); } else done(wordsOf(answer));
      } catch (error) { failed(); }
    });
  };
  // What keeps a value from being put back, out of the form that says so.
  const wordsOf = (form) => Object.assign(document.createElement("div"), { className: "row-done error", textContent: all(".error, .theirs", form).map((one) => one.textContent).join(" ") });
  // The row as the list shows it now; one that the filters leave out any more stays as it was.
  const renew = async (id) => {
    const fresh = part(await (await fetch(window.location.href)).text()).getElementById(`row-${id}`), old = document.getElementById(`row-${id}`);
    if (!fresh || !old) return;
    const tick = old.querySelector("input[name=rowid]");
    all("td:not(.tick)", old).forEach((cell) => cell.remove());
    old.append(...all("td:not(.tick)", fresh));
    if (!tick) old.replaceWith(fresh);
    ready().forEach((one) => { if (!one.hasAttribute("tabindex")) one.tabIndex = -1; });
  };
  const show = (cell, form) => {
    if (!open) open = { cell, nodes: Array.from(cell.childNodes) };
    cell.classList.add("editing");
    cell.replaceChildren(form);
    all(".lookup", form).forEach(lookup);
    const inputs = all("input:not([type=hidden]), select, textarea", form), first = form.querySelector("[aria-invalid]") || inputs[0];
    const state = () => new URLSearchParams(new FormData(form)).toString(), before = form.dataset.changed ? null : state();
    form.querySelector(".leave").addEventListener("click", () => leave(true));
    const save = async (next) => {
      if (state() === before) { leave(!next); if (next) edit(next); return; }
      const id = form.elements.id.value, edited = cell.dataset.edit, at = next && [next.closest("tr").id, next.dataset.edit];
      all("button", form).forEach((button) => { button.disabled = true; });
      try {
        const answer = await ask(form.action, new FormData(form));
        if (!answer.matches(".row-done")) { show(cell, answer); return; }
        await renew(id);
        open = null;
        done(answer);
        const find = ([row, names]) => ready().find((one) => one.closest("tr").id === row && one.dataset.edit === names);
        const same = find([`row-${id}`, edited]);
        if (at && find(at)) edit(find(at)); else if (same) { rove(same); same.focus(); }
      } catch (error) { failed(); }
    };
    form.addEventListener("submit", (event) => { event.preventDefault(); save(null); });
    form.addEventListener("keydown", (event) => {
      if (event.isComposing || event.defaultPrevented) return;
      if (event.key === "Escape") { event.preventDefault(); leave(true); }
      if (event.key === "Enter" && event.target.matches("textarea") && (event.ctrlKey || event.metaKey)) { event.preventDefault(); form.requestSubmit(); }
      const at = inputs.indexOf(event.target), step = event.shiftKey ? -1 : 1;
      if (event.key !== "Tab" || at < 0 || inputs[at + step]) return;
      const cells = ready(), next = cells[cells.indexOf(cell) + step];
      event.preventDefault();
      const open = all(".lookup", form).filter((box) => box.isOpen());
      Promise.all(open.map((box) => box.settle())).then((known) => { if (known.every(Boolean)) save(next || null); });
    });
    if (first) { first.focus(); if (first.select) first.select(); }
  };
  const edit = async (cell) => {
    if (open && open.cell === cell) return;
    leave(false);
    rove(cell);
    const names = cell.dataset.edit.split(" ").map((name) => `&field=${encodeURIComponent(name)}`).join("");
    try {
      const form = await ask(`${url}?id=${cell.closest("tr").id.slice(4)}${names}`);
      leave(false);
      show(cell, form);
    } catch (error) { failed(); }
  };

  rove(ready()[0]);
  table.addEventListener("click", (event) => {
    const cell = event.target.closest("td[data-edit]");
    if (cell && !cell.matches(".editing") && !event.target.closest("a, button, input") && !String(window.getSelection())) edit(cell);
  });
  table.addEventListener("keydown", (event) => {
    const cell = event.target;
    if (event.isComposing || !cell.matches("td[data-edit]")) return;
    const cells = ready(), at = cells.indexOf(cell), same = cells.filter((one) => one.dataset.edit === cell.dataset.edit), row = same.indexOf(cell);
    const to = { ArrowRight: cells[at + 1], ArrowLeft: cells[at - 1], ArrowDown: same[row + 1], ArrowUp: same[row - 1] };
    if (event.key === "Enter" || event.key === "F2") { event.preventDefault(); edit(cell); }
    else if (event.key in to) { event.preventDefault(); if (to[event.key]) { rove(to[event.key]); to[event.key].focus(); } }
  });
}

// Of the columns that many records can be changed in, the chosen one's control alone is shown and sent.
function change() {
  const form = document.getElementById("change");
  if (!form) return;
  const fit = () => all("[data-only-if]", form).forEach((field) => {
    field.hidden = field.dataset.onlyValues !== form.elements.column.value;
    all("input, select, textarea", field).forEach((control) => { control.disabled = field.hidden; });
  });
  form.elements.column.addEventListener("change", fit);
  fit();
}

document.addEventListener("DOMContentLoaded", () => { keys(); rows(); change(); });
