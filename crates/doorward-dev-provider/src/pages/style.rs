//! The one style sheet.

/// Follows the system's choice of light or dark; colours keep at least 4.5:1 for text.
pub(super) const STYLE: &str = "\
:root{color-scheme:light dark;--page:#f3f1ec;--card:#fff;--ink:#1d2430;--soft:#566072;--line:#d9d5cb;--edge:#8a8578;\
--accent:#0f5c55;--on-accent:#fff;--tint:#e4f0ee;--warm:#fdf3dc;--warm-ink:#694700}\
@media (prefers-color-scheme:dark){:root{--page:#12161c;--card:#1b2129;--ink:#eef1f4;--soft:#a9b3c0;--line:#323b47;\
--edge:#717d8c;--accent:#6fd3c5;--on-accent:#08211e;--tint:#1d3a37;--warm:#3a2f16;--warm-ink:#f4d795}}\
*{box-sizing:border-box}\
body{margin:0;min-height:100vh;min-height:100dvh;display:flex;flex-direction:column;align-items:center;\
justify-content:center;gap:1.25rem;padding:2rem 1rem;background:var(--page);color:var(--ink);\
font:1rem/1.5 system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif}\
main{width:100%;max-width:31rem;padding:2rem;background:var(--card);border:1px solid var(--line);\
border-radius:1rem;box-shadow:0 1px 2px rgb(0 0 0/.05),0 12px 32px rgb(0 0 0/.07)}\
h1{margin:.5rem 0 .5rem;font-size:1.625rem;line-height:1.2;letter-spacing:-.015em;text-wrap:balance}\
h2{margin:0;font-size:.875rem;font-weight:600}\
p{margin:.5rem 0}a{color:var(--accent);text-underline-offset:.2em}\
.kicker{display:flex;align-items:center;gap:.5rem;margin:0;color:var(--soft);font-size:.875rem}\
.door{width:.75rem;height:1.0625rem;border:2px solid var(--accent);border-bottom-width:3px;border-radius:.375rem .375rem 0 0}\
.lead{color:var(--soft)}.lead strong{color:var(--ink)}.where{color:var(--ink);overflow-wrap:anywhere}\
.note{font-size:.875rem;color:var(--soft)}\
.notice{font-size:.875rem;padding:.5rem .75rem;border-radius:.5rem;\
background:var(--warm);color:var(--warm-ink);overflow-wrap:anywhere}\
.users{list-style:none;margin:1.25rem 0;padding:0;display:grid;gap:.625rem}\
.user{display:grid;grid-template-columns:auto 1fr auto;align-items:center;gap:.125rem .875rem;width:100%;\
min-height:4rem;padding:.625rem .875rem;font:inherit;color:inherit;text-align:left;background:var(--card);\
border:1px solid var(--line);border-radius:.75rem}\
button.user{border-color:var(--edge);cursor:pointer}button.user:hover{background:var(--tint);border-color:var(--accent)}\
button:focus-visible,a:focus-visible{outline:3px solid var(--accent);outline-offset:2px}\
.avatar{display:grid;place-items:center;width:2.5rem;height:2.5rem;border-radius:50%;background:var(--tint);\
color:var(--accent);font-size:.875rem;font-weight:600}\
button.user:hover .avatar{background:var(--card)}\
.who{display:grid;min-width:0}.name{font-weight:600}.email{color:var(--soft);font-size:.875rem;overflow-wrap:anywhere}\
.tags{display:flex;flex-wrap:wrap;justify-content:flex-end;gap:.25rem}\
.tag{padding:.0625rem .5rem;border:1px solid var(--line);border-radius:1rem;font-size:.8125rem;color:var(--soft);\
background:var(--card)}.tag.mark{border-color:transparent;background:var(--accent);color:var(--on-accent)}\
.asks{margin:1.25rem 0;padding-top:1.25rem;border-top:1px solid var(--line);font-size:.875rem;color:var(--soft)}\
.asks h2{color:var(--ink)}.asks ul{margin:.375rem 0 0;padding-left:1.125rem}\
.field{display:grid;gap:.375rem;margin-bottom:.75rem;color:var(--ink)}\
.field input{min-height:2.75rem;padding:.5rem .75rem;font:inherit;color:inherit;background:var(--card);\
border:1px solid var(--edge);border-radius:.625rem}\
.field input:focus-visible{outline:3px solid var(--accent);outline-offset:2px}\
.asks code{overflow-wrap:anywhere;color:var(--ink)}\
.quiet,.primary{min-height:2.75rem;padding:.5rem 1.25rem;font:inherit;border-radius:.625rem;cursor:pointer}\
.quiet{border:1px solid var(--edge);background:none;color:var(--ink)}.quiet:hover{background:var(--tint)}\
.primary{margin-top:.75rem;border:1px solid var(--accent);background:var(--accent);color:var(--on-accent);font-weight:600}\
.primary:hover{text-decoration:underline}\
footer{color:var(--soft);font-size:.8125rem;text-align:center}\
@media (max-width:30rem){body{padding:1rem .75rem;justify-content:flex-start}main{padding:1.25rem}\
.user{grid-template-columns:auto 1fr}.tags{grid-column:2;justify-content:flex-start}h1{font-size:1.375rem}}\
@media (forced-colors:active){.avatar,.tag.mark{border:1px solid}}";
