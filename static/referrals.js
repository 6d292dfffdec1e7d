"use strict";
// A button that prints, where a script can.
document.addEventListener("DOMContentLoaded", () => {
  const button = document.getElementById("print");
  button.hidden = false;
  button.addEventListener("click", () => window.print());
});
