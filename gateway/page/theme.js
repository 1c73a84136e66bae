/* Light or dark, before anything is drawn: no module, so that the page never flashes in the other one. */

document.documentElement.dataset.theme = localStorage.getItem("sluice:theme") ?? "";
