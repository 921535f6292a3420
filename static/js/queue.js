// Calls on their way to the desk. Each is kept (vault.js) before it is sent and let go once the desk has it. Without the
// desk they wait, and go out one after the other in the order in which they were taken; the desk knows each by its key,
// so that one whose answer was lost is not stored twice. Under a new sign-in they go out only when their author says so.
//
// Tells by events on the document: "queue-changed"; "queue-loaded", once; "call-answered" with the call and the desk's HTML; "call-refused".

import * as vault from "./vault.js";

const PATIENCE = 15000; // milliseconds for one call to be answered
const KEPT_WITHIN = 2000; // a disk that hangs holds no call up
const SOONEST = 3000;
const LATEST = 20000;
const GONE = new Set([502, 503, 504]);

const { user, signIn: ofPage } = document.body.dataset;
const { keys, log } = document.getElementById("queue").dataset;

/** In the order in which they were taken: {key, at, signIn, fields, name, id, tried, late, state, why}; id: its number in
 * the vault, null while this page alone has it; tried: it may have arrived; late: not for the first time; state: sending,
 * waiting or refused, then with why ({status, html}). */
export const calls = [];
/** lost: since when there is no desk, or null; session: false once it has ended; others: calls of other people here. */
export const desk = { lost: null, session: true, others: 0 };

let signIn = ofPage;
let flushing = false;
let timer;
let wait = SOONEST;
let keeping = Promise.resolve();

const tell = (type, detail) => document.dispatchEvent(new CustomEvent(type, { detail }));
const changed = () => tell("queue-changed");

/** Taken under another sign-in: its author is to be asked. */
export const isAsking = (call) => call.state === "waiting" && call.signIn !== signIn;
const next = () => calls.find((call) => call.state === "waiting" && call.signIn === signIn);

function leave(call) {
  calls.splice(calls.indexOf(call), 1);
  changed();
}

// Encrypting and writing take a moment. Until then the call lies where drafts do (drafts.js), which takes none: a page that
// dies in that moment must not take it along.
const MOMENT = `keep:${user}:sent:`;

function hold(call) {
  try {
    localStorage.setItem(MOMENT + call.key, JSON.stringify(call));
  } catch {
    // full, or switched off: then the moment is a risk
  }
}

function held() {
  try {
    const names = Object.keys(localStorage).filter((name) => name.startsWith(MOMENT));
    return names.map((name) => JSON.parse(localStorage.getItem(name)));
  } catch {
    return [];
  }
}

function letGo({ key }) {
  try {
    localStorage.removeItem(MOMENT + key);
  } catch {
    // nothing was held either
  }
}

// One after the other, so that the order in the vault is that in which they were taken.
function keep(call) {
  const { key, at, fields, name, signIn } = call;
  const content = { key, at, fields, name, signIn };
  hold(content);
  keeping = keeping.then(async () => {
    const tooLate = new Promise((resolve) => setTimeout(resolve, KEPT_WITHIN, null));
    const kept = vault.put(user, content).catch(() => null);
    kept.then((id) => {
      letGo(call);
      if (calls.includes(call)) call.id = id;
      else vault.drop(id); // saved, or back in the row, meanwhile
    });
    await Promise.race([kept, tooLate]);
  });
  return keeping;
}

// ── Which tab sends ───────────────────────────────────────────────────────
// A fresh call goes out beside others that are fresh, whatever tab they are in; what has waited goes out from one tab, that
// of the others with it.

const together = (ask) => (navigator.locks ? navigator.locks.request("desk-calls", { mode: "shared" }, ask) : ask());
const alone = (ask) =>
  navigator.locks
    ? navigator.locks.request("desk-calls", { ifAvailable: true }, (lock) => (lock ? ask() : undefined))
    : ask();

// ── Sending ───────────────────────────────────────────────────────────────

function csrf() {
  const found = document.cookie.split("; ").find((part) => part.startsWith("csrftoken="));
  return found ? decodeURIComponent(found.slice("csrftoken=".length)) : "";
}

async function ask(address, options) {
  try {
    const headers = { "HX-Request": "true", "X-Sign-In": signIn, "X-CSRFToken": csrf() };
    const response = await fetch(address, { ...options, headers, cache: "no-store", signal: AbortSignal.timeout(PATIENCE) });
    return { status: response.status, text: await response.text() };
  } catch {
    return { status: 0, text: "" };
  }
}

// How long ago it was taken is told in seconds: the clocks of the browser and of the desk may differ.
function form(call) {
  const body = new URLSearchParams(call.fields);
  body.set("key", call.key);
  const seconds = Math.round((Date.now() - call.at) / 1000);
  if (seconds > 0) body.set("waited", String(seconds));
  return body;
}

/** Whether the next one may follow. */
async function post(call) {
  call.state = "sending";
  changed();
  const body = form(call);
  call.late ||= call.tried;
  call.tried = true;
  const { status, text } = await ask(log, { method: "POST", body });
  if (status >= 200 && status < 300) {
    tell("call-answered", { call, html: text });
    leave(call);
    await vault.drop(call.id);
    heard();
    return true;
  }
  if (status === 0 || GONE.has(status) || status === 401 || status === 409) {
    call.state = "waiting";
    if (status === 401) ended();
    else if (status === 409) await whose();
    else lost();
    return false;
  }
  call.state = "refused";
  call.why = { status, html: text };
  tell("call-refused", call);
  changed();
  return true;
}

// Those of the other tabs too, or they would follow out of their order.
async function sendWaiting() {
  await load().catch(() => {});
  for (let call = next(); call; call = next()) {
    if (call.id !== null && !(await vault.has(call.id))) leave(call); // another tab has sent it
    else if (!(await post(call))) return;
  }
}

/** Send what waits, if this tab may; what is left is tried again later. */
export async function flush() {
  if (flushing || !next()) return;
  flushing = true;
  try {
    await alone(sendWaiting);
  } finally {
    flushing = false;
    wait = Math.min(wait * 2, LATEST);
    again();
    changed();
  }
}

function again() {
  clearTimeout(timer);
  if (!next()) return;
  timer = setTimeout(flush, wait * (0.8 + 0.4 * Math.random())); // fifty browsers need not come in the same moment
}

/** Send a call that has just been taken, or took its place behind those that wait; *before* is what it was before. */
export function add(fields, { name, key, at = Date.now(), tried = false }) {
  const behind = flushing || Boolean(next());
  const call = { key, at, signIn, fields, name, id: null, tried, late: behind, state: behind ? "waiting" : "sending" };
  calls.push(call);
  changed();
  keep(call).then(() => (behind ? flush() : together(() => post(call))).then(again));
}

/** The call leaves the queue for the row; its text is kept there as it is typed (drafts.js). */
export function takeBack(call) {
  leave(call);
  setTimeout(() => vault.drop(call.id), 500);
}

/** The author says that the calls from before her sign-in are to go out. */
export async function confirm() {
  for (const call of calls.filter(isAsking)) {
    call.signIn = signIn;
    const before = call.id;
    await keep(call);
    await vault.drop(before);
  }
  flush();
}

// ── Is the desk there, and who is signed in? ──────────────────────────────

function lost() {
  desk.lost ??= Date.now();
  changed();
}

function ended() {
  desk.session = false;
  changed();
}

function heard() {
  const news = desk.lost !== null || !desk.session;
  desk.lost = null;
  desk.session = true;
  wait = SOONEST;
  if (news) changed();
}

function isBack() {
  heard();
  if (vault.isLocked()) whose();
  else if (next()) flush();
}

const LEFT_WITHIN = 10000;
let leaving = false;
addEventListener("beforeunload", () => (leaving = true));

/** Somebody else's page becomes that of who is signed in. Where she is on her way to another it is left alone: a page that
 * renews itself would take her back. (What she asked for may be a file, and then the page stays after all.) */
export function becomeTheirs() {
  setTimeout(() => location.reload(), leaving ? LEFT_WITHIN : 0);
}

// Somebody else's page must not stay in this tab once she has signed in in another.
async function whose() {
  const { status, text } = await ask(keys, {});
  if (status === 401) ended();
  else if (status === 0 || GONE.has(status)) lost();
  if (status !== 200 || !text) return; // cut off: the page is being left
  const told = JSON.parse(text);
  if (told.user !== user) {
    if (calls.every((call) => call.id !== null)) becomeTheirs();
    return;
  }
  await vault.take(told);
  signIn = told.signIn;
  heard();
  for (const call of calls.filter((one) => one.id === null && one.state !== "sending")) await keep(call);
  changed();
}

async function load(cutOff = []) {
  const found = await vault.all(user);
  desk.others = found.others;
  for (const call of found.calls) {
    if (!calls.some((known) => known.key === call.key)) calls.push({ ...call, tried: true, state: "waiting" });
  }
  for (const held of cutOff) {
    if (calls.some((known) => known.key === held.key)) {
      letGo(held);
    } else {
      const call = { ...held, id: null, tried: true, state: "waiting" };
      calls.push(call);
      await keep(call);
    }
  }
  for (const call of calls.filter((one) => Date.now() - one.at > vault.LONGEST)) leave(call);
  calls.sort((one, other) => one.at - other.at);
  changed();
}

const cutOff = held(); // by a page that is gone, read before this one adds its own

async function start() {
  const { renew } = await vault.unlock(user, signIn);
  if (renew) await whose();
  await load(cutOff);
  tell("queue-loaded");
  flush();
}

addEventListener("online", () => flush());
addEventListener("offline", lost);
for (const type of ["htmx:sendError", "htmx:timeout"]) document.addEventListener(type, lost);
document.addEventListener("htmx:afterRequest", (event) => {
  const status = event.detail.xhr?.status ?? 0;
  if (GONE.has(status)) lost();
  else if (status === 401) ended();
  else if (status >= 200 && status < 500) isBack();
});
addEventListener("beforeunload", (event) => {
  if (calls.some((call) => call.id === null)) event.preventDefault();
});
setInterval(() => load().then(flush), 60000);
// In a moment: whoever listens to it has to have begun.
setTimeout(start);
