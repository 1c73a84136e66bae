/* Light or dark, before anything is drawn: no module, so that the page never flashes in the other one. */

try {
  document.documentElement.dataset.theme = localStorage.getItem("sluice:theme") ?? "";
} catch {
  document.documentElement.dataset.theme = ""; // the person keeps sites from storing anything
}
