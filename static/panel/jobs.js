"use strict";
// A job's page keeps itself up to date while the job runs; without this there is a link that does.

(() => {
  const card = document.querySelector(".job[data-state]");
  if (!card) return;
  const bar = card.querySelector(".job-bar"), words = card.querySelector(".job-message");
  const count = card.querySelector(".job-count"), sentence = card.querySelector(".job-sentence");
  const tag = document.querySelector(".head .sub .tag");
  const number = new Intl.NumberFormat(document.documentElement.lang);
  const show = (now) => {
    words.textContent = now.message || now.state;
    if (tag) tag.textContent = now.state;
    sentence.textContent = now.sentence;
    count.textContent = now.total ? `${number.format(now.done)} / ${number.format(now.total)}` : "";
    if (now.total) { bar.max = now.total; bar.value = now.done; } else bar.removeAttribute("value");
  };
  const look = async () => {
    try {
      const answer = await fetch(card.dataset.state, { headers: { Accept: "application/json" } });
      if (answer.status === 401 || answer.status === 404) { window.location.reload(); return; }
      const now = await answer.json();
      if (now.go) { window.location.replace(now.go); return; }
      if (now.ended) { window.location.reload(); return; }
      if (answer.ok) show(now);
    } catch (error) {
      // The server may be starting anew: the next look tells.
    }
    setTimeout(look, 1000);
  };
  setTimeout(look, 300);
})();
