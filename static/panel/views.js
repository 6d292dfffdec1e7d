"use strict";
// Columns of a list: their order in the choice of columns, by dragging and by the buttons, without asking the server
// each time; and their widths, on the edge of the header or by Shift and the arrow keys. A width goes to the address.

document.addEventListener("DOMContentLoaded", () => {
  const list = document.querySelector("[data-sorts]");
  if (!list) return;
  let moving = null;

  list.addEventListener("click", (event) => {
    const button = event.target.closest("button[name]");
    if (!button) return;
    event.preventDefault();
    const row = button.closest("li"), other = button.name === "up" ? row.previousElementSibling : row.nextElementSibling;
    if (other) list.insertBefore(button.name === "up" ? row : other, button.name === "up" ? other : row);
    button.focus();
  });
  list.addEventListener("dragstart", (event) => {
    moving = event.target.closest("li");
    moving.classList.add("moving");
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", "");
  });
  list.addEventListener("dragover", (event) => {
    const over = moving && event.target.closest("li");
    if (!over || over === moving) return;
    event.preventDefault();
    const box = over.getBoundingClientRect();
    list.insertBefore(moving, event.clientY < box.top + box.height / 2 ? over : over.nextElementSibling);
  });
  list.addEventListener("drop", (event) => event.preventDefault());
  list.addEventListener("dragend", () => { if (moving) moving.classList.remove("moving"); moving = null; });
});

document.addEventListener("DOMContentLoaded", () => {
  const table = document.querySelector("table[data-sizes]"), least = 40, most = 800, step = 16;
  if (!table || !window.matchMedia("(min-width: 768px)").matches) return;
  const heads = Array.from(table.querySelectorAll("th[data-column]"));
  const set = (head, width) => {
    const index = head.cellIndex, rounded = Math.round(Math.min(most, Math.max(least, width)));
    if (!head.classList.contains("sized")) {
      head.classList.add("sized");
      table.querySelectorAll("tbody tr").forEach((row) => { row.cells[index].classList.remove("wide", "mid"); row.cells[index].classList.add("sized"); });
    }
    head.setAttribute("width", rounded);
  };
  const keep = (head) => {
    const address = new URL(window.location.href);
    const widths = heads.filter((one) => one.hasAttribute("width")).map((one) => `${one.dataset.column}-${one.getAttribute("width")}`);
    const others = (address.searchParams.get("widths") || "").split(",").filter((one) => one && !heads.some((shown) => one.startsWith(`${shown.dataset.column}-`)));
    address.searchParams.set("widths", [...widths, ...others].join(","));
    if (head) sessionStorage.setItem("sized", head.dataset.column);
    window.location.replace(address);
  };

  heads.forEach((head) => {
    const edge = document.createElement("span"), told = table.dataset.sizes.replace("{name}", head.textContent.trim());
    const holder = head.querySelector("a") || head;
    let from = null, waiting = 0;
    edge.className = "size";
    edge.title = told;
    head.append(edge);
    if (holder === head) head.tabIndex = 0;
    holder.setAttribute("aria-keyshortcuts", "Shift+ArrowLeft Shift+ArrowRight");
    edge.addEventListener("click", (event) => event.preventDefault());
    edge.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      edge.setPointerCapture(event.pointerId);
      from = { x: event.clientX, width: head.offsetWidth };
      head.classList.add("sizing");
    });
    edge.addEventListener("pointermove", (event) => { if (from) set(head, from.width + event.clientX - from.x); });
    edge.addEventListener("pointerup", (event) => {
      const moved = from && Math.abs(event.clientX - from.x) > 2;
      from = null;
      head.classList.remove("sizing");
      if (moved) keep();
    });
    holder.addEventListener("keydown", (event) => {
      const by = { ArrowLeft: -step, ArrowRight: step }[event.key];
      if (!event.shiftKey || !by) return;
      event.preventDefault();
      clearTimeout(waiting);
      set(head, head.offsetWidth + by);
      waiting = setTimeout(() => keep(head), 900);
    });
    holder.addEventListener("blur", () => { if (waiting) { clearTimeout(waiting); waiting = 0; keep(); } });
    if (sessionStorage.getItem("sized") === head.dataset.column) {
      sessionStorage.removeItem("sized");
      holder.focus();
    }
  });
});
