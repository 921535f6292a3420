// How many calls wait, why, and what can be done about it; and what becomes of them when their person leaves.

import { sealed } from "./drafts.js";
import { becomeTheirs, calls, confirm, desk, isAsking } from "./queue.js";
import { forget } from "./vault.js";

const place = document.getElementById("queue");
const { user, kept } = document.body.dataset;
const row = document.getElementById("log");

const clock = (at) => new Date(at).toLocaleTimeString("fr-BE", { hour: "2-digit", minute: "2-digit", timeZone: "Europe/Brussels" });

function say(name, shown) {
  const line = place.querySelector(`[data-line=${name}]`);
  line.hidden = !shown;
  const number = line.querySelector("[data-n]");
  if (number && shown) number.textContent = shown;
  return line;
}

function draw() {
  const { lost, session } = desk;
  const asking = calls.filter(isAsking);
  const open = calls.filter((call) => call.state !== "refused" && !asking.includes(call));
  const waits = open.some((call) => call.state === "waiting");
  const time = say("lost", lost !== null).querySelector("time");
  if (lost !== null) time.textContent = clock(lost);
  say("ready", lost !== null && row && !open.length);
  say("waiting", (lost !== null || waits) && session && open.length);
  say("sending", lost === null && session && !waits && open.some((call) => call.late) && open.length);
  say("session", !session && calls.length);
  const names = say("asking", session && asking.length).querySelector("[data-names]");
  names.textContent = asking.map((call) => `${clock(call.at)} ${call.name}`).join(" · ");
  say("refused", !row && calls.filter((call) => call.state === "refused").length);
  say("others", desk.others);
  say("alone", (lost !== null || waits) && calls.some((call) => call.id === null && call.state === "waiting"));
  place.hidden = [...place.querySelectorAll("[data-line]")].every((line) => line.hidden);
  if (kept !== undefined && lost === null && !calls.length && !typing()) renew();
}

// The copy of the page makes way for the page itself as soon as the desk has answered one of its requests.
let answered = false;
const typing = () => ["caller", "note"].some((name) => row?.elements.namedItem(name).value);
const renew = () => answered && location.reload();
document.addEventListener("htmx:afterRequest", (event) => {
  answered = event.detail.successful;
  if (kept !== undefined) draw();
});

place.querySelector("[data-confirm]").addEventListener("click", confirm);
document.addEventListener("queue-changed", draw);

// ── Leaving ───────────────────────────────────────────────────────────────

const tabs = new BroadcastChannel("desk");
tabs.addEventListener("message", ({ data }) => data !== user && becomeTheirs());
tabs.postMessage(user); // pages of another person in other tabs become this one's

async function signOut(form) {
  await Promise.race([sealed().then(forget), new Promise((resolve) => setTimeout(resolve, 1000))]).catch(() => {});
  tabs.postMessage("nobody");
  form.submit();
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.getAttribute("action")?.endsWith("/accounts/logout/")) return; // form.action may be a button of that name
  event.preventDefault();
  const leaving = document.getElementById("leaving");
  if (!calls.length) {
    signOut(form);
    return;
  }
  leaving.querySelector("[data-n]").textContent = calls.length;
  const go = calls.some((call) => call.id === null);
  leaving.querySelector("[data-go]").hidden = !go;
  leaving.querySelector("[data-stay]").hidden = go;
  leaving.onclose = () => leaving.returnValue === "leave" && signOut(form);
  leaving.showModal();
});
