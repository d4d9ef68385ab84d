// The theme of this browser: "system", "light" or "dark". A classic script, because a module runs after the first paint
// and the page would flash.
"use strict";

globalThis.mqttMcpTheme = (() => {
  const KEY = "mqtt-mcp.theme";
  const CHOICES = ["system", "light", "dark"];

  function get() {
    try {
      const stored = localStorage.getItem(KEY);
      return CHOICES.includes(stored) ? stored : "system";
    } catch {
      return "system"; // storage is switched off
    }
  }

  function show(theme) {
    if (theme === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
  }

  function set(theme) {
    show(theme);
    try {
      localStorage.setItem(KEY, theme);
    } catch {
      // It holds until the page is left.
    }
    dispatchEvent(new Event("themechange")); // the chart draws its colours itself
  }

  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => dispatchEvent(new Event("themechange")));
  show(get());
  return { CHOICES, get, set };
})();
