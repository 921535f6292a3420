// Reminders of the plan as notifications of the browser. A page asks only where it may show them, so that it takes none
// from a page that may; the desk gives each to one page alone.

const PERIOD = 10_000; // milliseconds
const may = () => "Notification" in window && Notification.permission === "granted";

async function worker() {
  const registration = await navigator.serviceWorker.register(place.dataset.worker);
  const coming = registration.installing ?? registration.waiting;
  if (!registration.active) {
    await new Promise((resolve) =>
      coming.addEventListener("statechange", () => ["activated", "redundant"].includes(coming.state) && resolve()),
    );
  }
  return registration;
}

function onPage({ title, body, url }) {
  const link = document.createElement("a");
  link.href = url;
  link.textContent = `${title}: ${body}`;
  const notice = document.createElement("div");
  notice.className = "alert alert-warning fx-notice";
  notice.append(link);
  document.getElementById("notices")?.append(notice);
}

function show(reminder) {
  const { key, title, body, url, language } = reminder;
  const options = { body, tag: key, lang: language, requireInteraction: true, data: url };
  try {
    const notification = new Notification(title, options);
    notification.addEventListener("click", () => {
      window.focus();
      window.location.assign(url);
    });
  } catch {
    // Android shows notifications of a service worker alone; where there is none it is said on the page.
    worker()
      .then((registration) => registration.showNotification(title, options))
      .catch(() => onPage(reminder));
  }
}

async function ask(place) {
  if (!may()) return;
  const token = document.cookie.split("; ").find((part) => part.startsWith("csrftoken="));
  const headers = { "X-CSRFToken": decodeURIComponent(token?.slice("csrftoken=".length) ?? "") };
  const answer = await fetch(place.dataset.url, { method: "POST", headers }).catch(() => null);
  if (answer?.status === 200) (await answer.json()).reminders.forEach(show);
}

const place = document.getElementById("reminders");
if (place) {
  ask(place);
  setInterval(() => ask(place), PERIOD);
}

const part = document.querySelector("[data-browser-reminders]");
if (part && "Notification" in window) {
  const form = part.querySelector("[data-ask]");
  const on = part.querySelector("[data-on]");
  const draw = () => {
    part.querySelector("[data-denied]").hidden = Notification.permission !== "denied";
    form.hidden = Notification.permission === "denied" || (may() && on !== null);
    if (on) on.hidden = !may();
  };
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if ((await Notification.requestPermission()) === "granted") form.submit();
    else draw();
  });
  draw();
}
