// "::cert " typed into a field marked data-expands becomes the answer of that trigger, in the caller's language; while it
// is typed, the answers it may become stand out in the panel, to be read out.
document.addEventListener("input", (event) => {
  const field = event.target;
  if (!(field instanceof HTMLInputElement) || !("expands" in field.dataset)) return;
  const typed = /(?:^|\s)::([a-z0-9-]+)(\s?)$/.exec(field.value.slice(0, field.selectionStart));
  const all = [...document.querySelectorAll("[data-trigger]")];
  const meant = typed ? all.filter((answer) => answer.dataset.trigger.startsWith(typed[1])) : [];
  for (const answer of all) answer.classList.toggle("is-meant", meant.includes(answer));
  if (meant.length) document.getElementById("answers").open = true;
  const exact = typed?.[2] && meant.find((answer) => answer.dataset.trigger === typed[1]);
  if (!exact) return;
  const before = field.value.slice(0, field.selectionStart - typed[1].length - 3);
  const text = `${before}${exact.querySelector("dd").textContent} `;
  const whole = text + field.value.slice(field.selectionStart);
  if (whole.length > field.maxLength) return; // the trigger stays: it says which answer was given
  field.value = whole;
  field.setSelectionRange(text.length, text.length);
  field.dispatchEvent(new Event("input", { bubbles: true })); // whoever keeps what is typed keeps this
});
