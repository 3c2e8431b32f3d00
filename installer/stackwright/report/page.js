document.documentElement.classList.add('scripted');
document.addEventListener('click', event => {
  const button = event.target.closest('button[data-copy]');
  if (!button) return;
  const area = document.createElement('textarea');
  area.value = button.dataset.copy;
  document.body.append(area);
  area.select();
  const done = document.execCommand('copy');
  area.remove();
  button.textContent = done ? 'Copied' : 'Select it';
  setTimeout(() => { button.textContent = 'Copy'; }, 1500);
});
