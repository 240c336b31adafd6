"""The style and the script of the page that `report.pack_html` makes. Knows nothing of packs."""

from __future__ import annotations

STYLE = """
:root{color-scheme:light dark;--ink:#1c2430;--soft:#5c6878;--line:#d8dee6;--paper:#fff;--tint:#f4f6f9;--mark:#0b6bcb}
@media(prefers-color-scheme:dark){:root{--ink:#e4e9f0;--soft:#9aa7b8;--line:#333d4a;--paper:#12171e;--tint:#1a212b;
--mark:#6cb2ff}}
*{box-sizing:border-box}
body{margin:0;font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;color:var(--ink);
background:var(--paper)}
header{position:sticky;top:0;z-index:1;background:var(--paper);border-bottom:1px solid var(--line);padding:.75rem 1rem}
h1{font-size:1.3rem;margin-top:0;margin-bottom:0}h2{font-size:1.1rem;margin:2rem 0 .5rem;scroll-margin-top:9rem}
header>*{max-width:68rem;margin-left:auto;margin-right:auto}
.sub{margin-top:0;margin-bottom:.5rem;color:var(--soft);font-size:.85rem}
.bar{display:flex;flex-wrap:wrap;gap:.5rem;align-items:center}
input{flex:1 1 16rem;min-width:0;max-width:32rem}
input,button{font:inherit;color:inherit;background:var(--tint);border:1px solid var(--line);border-radius:.4rem;
padding:.3rem .6rem}
button{cursor:pointer}#count{color:var(--soft);font-size:.85rem}
nav,main{max-width:70rem;margin:0 auto;padding:0 1rem}nav{padding-top:.75rem;font-size:.9rem}main{padding-bottom:4rem}
a{color:var(--mark)}code{font-size:.88em;color:var(--soft);overflow-wrap:anywhere}
details{border:1px solid var(--line);border-radius:.4rem;margin:.35rem 0;background:var(--paper)}
summary{cursor:pointer;padding:.4rem .6rem;overflow:hidden;white-space:nowrap;text-overflow:ellipsis}
summary:focus-visible,input:focus-visible,button:focus-visible{outline:2px solid var(--mark);outline-offset:1px}
.size{color:var(--soft);font-size:.8rem;margin:0 .4rem}.hint{color:var(--soft);font-size:.9rem;margin-left:.4rem}
details[open]>summary{border-bottom:1px solid var(--line);background:var(--tint);border-radius:.4rem .4rem 0 0}
details[open]>summary .hint{display:none}
.body{padding:.5rem .6rem .5rem 1rem}.note{border-left:3px solid var(--mark);margin:.25rem 0;padding-left:.6rem}
dl{display:grid;grid-template-columns:8rem 1fr;gap:.25rem .75rem;margin:.25rem 0 .5rem}
dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}ul{margin:.15rem 0;padding-left:1.2rem}
li{overflow-wrap:anywhere}[hidden]{display:none}
@media(max-width:40rem){dl{grid-template-columns:1fr;gap:0}dd{margin-bottom:.4rem}.body{padding-left:.6rem}}
@media print{header{position:static}.bar,nav{display:none}details{break-inside:avoid-page;border-color:#bbb}
body{font-size:11pt}summary{white-space:normal}}
"""

SCRIPT = """
const all=[...document.querySelectorAll('details.territory')],find=document.getElementById('find');
const told=new Map(all.map(d=>[d,[...d.children].map(c=>c.tagName==='SUMMARY'?c.textContent:
[...c.children].filter(x=>x.tagName!=='DETAILS').map(x=>x.textContent).join(' ')).join(' ').toLowerCase()]));
const before=new Map(all.map(d=>[d,d.open]));
const set=open=>all.forEach(d=>{d.open=open});
document.getElementById('open').onclick=()=>set(true);
document.getElementById('fold').onclick=()=>set(false);
find.oninput=()=>{const words=find.value.toLowerCase().split(/\\s+/).filter(Boolean);let hits=0;
for(const d of all.slice().reverse()){const hit=words.every(w=>told.get(d).includes(w));if(hit)hits++;
const inside=[...d.querySelectorAll('details.territory')].some(c=>!c.hidden);
d.hidden=words.length>0&&!hit&&!inside;if(words.length)d.open=inside||(hit&&!d.querySelector('details'));
else d.open=before.get(d)}
if(words.length)for(const d of all)if(d.hidden===false&&d.parentElement.closest('details[hidden]'))d.hidden=false;
document.getElementById('count').textContent=words.length?hits+' found':''};
let kept;addEventListener('beforeprint',()=>{kept=all.map(d=>d.open);set(true)});
addEventListener('afterprint',()=>{all.forEach((d,i)=>{d.open=kept[i]})});
"""
