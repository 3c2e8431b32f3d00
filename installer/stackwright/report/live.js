// Follows a run: asks for the page again and again, and puts its content in place of the old one. The server says with
// Retry-After when to ask next. Between two answers, the times of what is running go on.
(() => {
  const status = document.querySelector('p.live');
  let version = '', since = performance.now(), marks = 0;

  const words = seconds => {  // like duration() in output/live.py
    const whole = Math.round(seconds);
    if (whole < 60) return `${whole} s`;
    if (whole < 3600) return `${Math.floor(whole / 60)} min` + (whole % 60 ? ` ${whole % 60} s` : '');
    return `${Math.floor(whole / 3600)} h ${Math.floor(whole % 3600 / 60)} min`;
  };

  const tick = () => {
    const passed = (performance.now() - since) / 1000;
    for (const each of document.querySelectorAll('[data-since]')) {
      each.textContent = words(Number(each.dataset.since) + passed);
    }
  };

  // What a person opened, closed or is about to press stays as it is.
  const name = details => {
    const summary = details.querySelector('summary');
    const text = (summary.querySelector('b') ?? summary).textContent;
    return details.closest('section').querySelector('h2').textContent
      + text.replace(/^\d+ |\d+ (?=Puppet resources)/, '');  // these numbers change
  };
  const busy = () => {
    const chosen = getSelection();
    return !chosen.isCollapsed && document.querySelector('main').contains(chosen.anchorNode);
  };
  const replace = text => {
    const next = new DOMParser().parseFromString(text, 'text/html');
    const old = document.querySelector('main'), fresh = next.querySelector('main');
    if (!fresh) return false;
    const open = new Map([...old.querySelectorAll('details')].map(each => [name(each), each.open]));
    for (const each of fresh.querySelectorAll('details')) {
      if (open.has(name(each))) each.open = open.get(name(each));
    }
    const focusable = 'a, button, summary';
    const at = [...old.querySelectorAll(focusable)].indexOf(document.activeElement);
    const label = document.activeElement?.textContent;
    const place = [scrollX, scrollY];
    old.replaceWith(document.adoptNode(fresh));
    document.title = next.title;
    const again = at < 0 ? null : fresh.querySelectorAll(focusable)[at];
    if (again?.textContent === label) again.focus({preventScroll: true});
    scrollTo(...place);
    marks += 1;
    document.documentElement.dataset.updates = marks;
    return true;
  };

  const ask = async () => {
    let wait = 5;
    try {
      const answer = await fetch('./', {cache: 'no-store', headers: version ? {'If-None-Match': version} : {}});
      wait = Number(answer.headers.get('Retry-After')) || wait;
      if (answer.status === 200) {
        const text = await answer.text();
        if (!busy() && replace(text)) {
          version = answer.headers.get('ETag') || '';
          since = performance.now();
        }
      }
      status.textContent = answer.ok || answer.status === 304
        ? 'Live: this page follows the run.' : `The report cannot be shown: ${answer.status}.`;
      status.classList.toggle('lost', !answer.ok && answer.status !== 304);
    } catch {
      status.textContent = 'No connection to `stackwright report --serve`: this is the state of '
        + `${new Date(Date.now() - performance.now() + since).toLocaleTimeString()}.`;
      status.classList.add('lost');
    }
    setTimeout(ask, wait * 1000);
  };

  setInterval(tick, 1000);
  ask();
})();
