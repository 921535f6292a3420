// Notifications of reminders where a browser shows those of a service worker alone. It answers for no page.

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(self.clients.openWindow(event.notification.data));
});
