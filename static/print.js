"use strict";
// A button that prints, where a script can; and forms that are sent once.
document.addEventListener("DOMContentLoaded", () => {
  const button = document.getElementById("print");
  button.hidden = false;
  button.addEventListener("click", () => window.print());
});
document.addEventListener("submit", (event) => {
  if ("once" in event.target.dataset && event.submitter) event.submitter.disabled = true;
});
