/** Says how high the page is, for whoever takes a picture of it. */
export function measure(): void {
  new ResizeObserver(() => {
    document.documentElement.dataset.height = String(Math.ceil(document.body.getBoundingClientRect().height));
  }).observe(document.body);
}
