// The call that the agent has answered, offered beside whatever she is doing: it never takes the keyboard and never
// replaces what is being typed. One key takes it; while the row holds another call it waits until that one is saved.

import { restored } from "./drafts.js";

const DRAFTS_WITHIN = 1000; // milliseconds; a caller is on the line
const row = document.getElementById("log");
const offered = () => document.querySelector(".fx-offer:not([hidden]) [data-tel]");
let waiting = null; // the number to put into the row when it is free

const TYPED = ["caller", "pharmacy", "needed_by", "callback_number", "callback_at", "note"];
const busy = () => TYPED.some((name) => row.elements.namedItem(name)?.value.trim());

// As if she had typed the number and pressed Enter: one pharmacy is chosen, of several she is asked.
function begin(tel) {
  const box = row.elements.namedItem("caller");
  box.value = tel;
  box.dispatchEvent(new Event("input", { bubbles: true }));
  if (tel) box.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true, cancelable: true }));
  box.focus();
}

function take() {
  const offer = offered();
  const form = offer.querySelector("form");
  if (!row) return form ? form.requestSubmit(form.querySelector("[data-take]")) : undefined;
  if (busy()) {
    waiting = offer.dataset.tel;
    offer.querySelector("[data-waits]").hidden = false;
    return undefined;
  }
  begin(offer.dataset.tel);
  if (form) htmx.ajax("POST", form.action, { target: "#offer", swap: "outerHTML" });
  else offer.closest(".fx-offer").remove();
  return undefined;
}

document.addEventListener(
  "keydown",
  (event) => {
    if (event.key !== "F9" || !offered() || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    event.stopPropagation();
    take();
  },
  { capture: true },
);

document.addEventListener("click", (event) => {
  if (!row || !event.target.closest?.(".fx-offer [data-take]")) return;
  event.preventDefault();
  take();
});

document.body.addEventListener("call-saved", () => {
  if (waiting !== null && offered()) setTimeout(take);
  waiting = null;
});

// Drawn anew it is still the one that waits, or another that does not.
document.body.addEventListener("htmx:afterSettle", () => {
  const note = offered()?.querySelector("[data-waits]");
  if (note && waiting === offered().dataset.tel) note.hidden = false;
  else if (note?.hidden) waiting = null;
});

// Opened by a softphone (?tel=). A draft that was never saved may have come back into the row: it stays, and the call
// is offered beside it.
window.addEventListener("load", async () => {
  const asked = document.getElementById("asked");
  if (!asked || !row) return;
  await Promise.race([restored, new Promise((late) => setTimeout(late, DRAFTS_WITHIN))]);
  const { tel, here } = asked.querySelector("[data-tel]").dataset;
  history.replaceState(null, "", here);
  const box = row.elements.namedItem("caller");
  const typed = box.value;
  box.defaultValue = ""; // what a softphone has typed is typed: it is kept like a draft
  box.value = typed;
  if (typed === tel) {
    asked.remove();
    row.elements.namedItem("pharmacy").value = "";
    begin(tel);
  } else {
    document.getElementById("caller-slot").replaceChildren(); // the pharmacy in it was this caller's
    row.dispatchEvent(new CustomEvent("draft-restored", { bubbles: true }));
    asked.hidden = false;
  }
});
