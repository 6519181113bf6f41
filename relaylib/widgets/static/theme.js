/* Which theme the page has: JupyterLab says so on its body, VS Code by a class, others by the browser's preference. */

function isDark() {
  const { body } = document;
  const said = body.dataset.jpThemeLight ?? body.dataset.vscodeThemeKind;
  if (said === "true" || said === "vscode-light") return false;
  if (said === "false" || said === "vscode-dark" || said === "vscode-high-contrast") return true;
  return window.matchMedia("(prefers-color-scheme: dark)").matches;
}

/** Return "light" or "dark" for a wish of "auto", "light" or "dark". */
export function themeOf(wish) {
  return wish === "light" || wish === "dark" ? wish : isDark() ? "dark" : "light";
}

/** Call `changed` whenever the page may have another theme; return how to stop that. */
export function watchTheme(changed) {
  const observer = new MutationObserver(changed);
  observer.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light", "data-vscode-theme-kind"] });
  const query = window.matchMedia("(prefers-color-scheme: dark)");
  query.addEventListener("change", changed);
  return () => {
    observer.disconnect();
    query.removeEventListener("change", changed);
  };
}
