"use strict";
// The order of columns, by dragging and by the buttons, without asking the server each time.

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
