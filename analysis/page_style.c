/* page_style.c: how the page looks, and the little that it does.
 *
 * Colours have names; light, dark and print give them values.  The lines of figures
 * are told apart by colour and dash, with at least 3:1 against the ground; the
 * ramp is one hue, on which numbers stay readable. */
#include "analysis/page.h"

/* clang-format off */
static const char *const style[] = {
    ":root{--bg:#fbfbfa;--card:#fff;--text:#1d2127;--muted:#59616d;--rule:#dfe2e6;\n",
    "  --grid:#e6e8eb;--faint:#a3abb6;--accent:#0b62a8;--ramp:0 98 178;--good:#106b3a;\n",
    "  --bad:#ad1f1f;--warn:#fff4d6;--line-1:#0b6cb3;--line-2:#c44e00;--line-3:#00805d;\n",
    "  --line-4:#a03f84;--line-5:#8a6a00;--line-6:#3d4650}\n",
    "@media (prefers-color-scheme:dark){:root{--bg:#121418;--card:#1a1d23;--text:#e6e8ec;\n",
    "  --muted:#a2abb8;--rule:#31363f;--grid:#2a2f37;--faint:#6a7380;--accent:#7ab8f0;\n",
    "  --ramp:66 148 226;--good:#6fd39a;--bad:#ff9a92;--warn:#3a3013;--line-1:#5aaeea;\n",
    "  --line-2:#f5935a;--line-3:#4cc9a0;--line-4:#e296cc;--line-5:#e3c04d;--line-6:#b7bfca}}\n",
    "*{box-sizing:border-box}\n",
    "html{-webkit-text-size-adjust:100%;scroll-behavior:smooth}\n",
    "body{margin:0 auto;padding:1.5rem clamp(1rem,3vw,2.5rem) 4rem;max-width:74rem;\n",
    "  background:var(--bg);color:var(--text);\n",
    "  font:16px/1.5 system-ui,-apple-system,\"Segoe UI\",Roboto,\"Liberation Sans\",\n",
    "  sans-serif}\n",
    "h1{margin:0;font-size:clamp(1.7rem,5vw,2.4rem);line-height:1.15;letter-spacing:-.015em}\n",
    "h2{margin:3rem 0 .9rem;padding-bottom:.35rem;border-bottom:1px solid var(--rule);\n",
    "  font-size:1.35rem}\n",
    "h3{margin:1.6rem 0 .5rem;font-size:1rem}\n",
    ".kicker{margin:0;color:var(--muted);font-size:.8rem;letter-spacing:.09em;\n",
    "  text-transform:uppercase}\n",
    ".question{margin:.6rem 0 1rem;max-width:46rem;\n",
    "  font-size:clamp(1.05rem,2.5vw,1.25rem);line-height:1.4}\n",
    ".note,figcaption,.says,small{color:var(--muted);font-size:.86rem}\n",
    ".note{max-width:46rem}\n",
    ".nothing{color:var(--muted);font-style:italic}\n",
    ".warning{padding:.6rem .9rem;border-radius:.4rem;background:var(--warn)}\n",
    ".good{color:var(--good)}.bad,em{color:var(--bad);font-style:normal}\n",
    "a{color:var(--accent)}\n",
    "nav{display:flex;flex-wrap:wrap;gap:.25rem 1rem;margin-top:1.2rem;font-size:.92rem}\n",
    "nav a{text-decoration:none}nav a:hover{text-decoration:underline}\n",
    "ul.chips,ul.legend,ul.compare{margin:0;padding:0;list-style:none}\n",
    "ul.chips{display:flex;flex-wrap:wrap;gap:.4rem;margin-top:1rem;font-size:.88rem}\n",
    ".chips li{padding:.12rem .65rem;border:1px solid var(--rule);border-radius:1rem;\n",
    "  background:var(--card)}\n",
    "pre{overflow:auto;margin:.5rem 0;padding:.8rem 1rem;border:1px solid var(--rule);\n",
    "  border-radius:.4rem;background:var(--card);\n",
    "  font:13px/1.5 ui-monospace,SFMono-Regular,Consolas,\"Liberation Mono\",monospace}\n",
    "pre.command{white-space:pre-wrap;overflow-wrap:anywhere}\n",
    "code{font:.9em ui-monospace,SFMono-Regular,Consolas,\"Liberation Mono\",monospace}\n",
    "details{margin:.6rem 0}\n",
    "summary{cursor:pointer;color:var(--accent)}\n",
    "details.cell{margin:.9rem 0}details.cell>summary{font-weight:600;color:var(--text)}\n",
    ".cards,.plots{display:grid;gap:1rem;\n",
    "  grid-template-columns:repeat(auto-fit,minmax(min(17rem,100%),1fr))}\n",
    ".plots{grid-template-columns:repeat(auto-fit,minmax(min(27rem,100%),1fr))}\n",
    ".tables{display:grid;gap:0 2.5rem;align-items:start;\n",
    "  grid-template-columns:repeat(auto-fit,minmax(min(25rem,100%),1fr))}\n",
    ".tables table{width:100%}.wide table{min-width:100%}\n",
    ".card,.plot{margin:0;padding:1rem 1.1rem;border:1px solid var(--rule);\n",
    "  border-radius:.6rem;background:var(--card);min-width:0}\n",
    ".plots>.plot{max-width:38rem}\n",
    ".card h3,.plot h3{margin:0}\n",
    ".card p{margin:.2rem 0}\n",
    ".plots.small{grid-template-columns:repeat(auto-fill,minmax(min(16rem,100%),1fr));\n",
    "  gap:.6rem}\n",
    ".small .plot{padding:.6rem .7rem}\n",
    ".multiples{margin-bottom:1.8rem}\n",
    ".card{display:flex;flex-direction:column}\n",
    ".card .says{flex:1}\n",
    ".card .big{font-size:2.5rem;font-weight:650;line-height:1.2;letter-spacing:-.02em}\n",
    ".compare li{display:grid;grid-template-columns:1fr auto;gap:0 .6rem;\n",
    "  padding:.35rem 0;border-top:1px solid var(--rule);font-size:.92rem}\n",
    "ul.legend+figcaption{margin-top:.3rem}\n",
    ".compare li>.track,.compare li>small{grid-column:1/-1}\n",
    ".track{display:block;position:relative;height:.75rem;margin:.25rem 0;\n",
    "  background:linear-gradient(var(--rule),var(--rule)) 0 50%/100% 2px no-repeat}\n",
    ".track i{position:absolute;top:.2rem;height:.35rem;left:calc(var(--lo)*100%);\n",
    "  width:max(2px,calc((var(--hi) - var(--lo))*100%));border-radius:.2rem;\n",
    "  background:rgb(var(--ramp)/.45)}\n",
    ".track b{position:absolute;top:0;width:3px;height:.75rem;margin-left:-1.5px;\n",
    "  left:calc(var(--v)*100%);border-radius:1px;background:rgb(var(--ramp))}\n",
    ".bar{display:block;height:.6rem;width:calc(max(.003,var(--v))*100%);\n",
    "  border-radius:.15rem;background:rgb(var(--ramp)/.75)}\n",
    "[hidden]{display:none!important}\n",
    ".scroll{overflow-x:auto;margin:.5rem 0}\n",
    "table{border-collapse:collapse;font-size:.92rem;font-variant-numeric:tabular-nums}\n",
    "th,td{padding:.3rem .7rem .3rem 0;text-align:left;vertical-align:baseline;\n",
    "  border-bottom:1px solid var(--rule)}\n",
    "thead th{color:var(--muted);font-weight:500;font-size:.85rem;vertical-align:bottom}\n",
    "tbody th{position:sticky;left:0;z-index:1;background:var(--bg);font-weight:500}\n",
    ".measures tbody th{white-space:nowrap}\n",
    ".groups tbody th{min-width:12rem}\n",
    ".heading th{padding-top:1rem;color:var(--muted);font-size:.85rem}\n",
    ".heading th:first-child{color:var(--text);font-weight:650}\n",
    "th small,td small,.i{font-weight:400;font-size:.93em}\n",
    ".n,.i{text-align:right;white-space:nowrap}.i{color:var(--muted)}\n",
    ".w{width:9rem;min-width:5rem}\n",
    "td>code,.runs td{white-space:nowrap}\n",
    ".matrix{border-collapse:separate;border-spacing:2px}\n",
    ".matrix th,.matrix td{border:0}\n",
    ".matrix th[scope=row]{padding-right:.5rem;white-space:nowrap;font-size:.85rem}\n",
    ".matrix thead th{text-align:center}.matrix thead th:first-child{text-align:left}\n",
    ".matrix abbr{text-decoration:none}\n",
    ".matrix .letter{position:static;padding-right:.3rem;color:var(--muted)}\n",
    ".matrix td{min-width:3.5rem;padding:.2rem .3rem;border-radius:.25rem;\n",
    "  text-align:center;white-space:nowrap;\n",
    "  background:rgb(var(--ramp)/calc(.05 + var(--v,0)*.4))}\n",
    ".matrix td.none{background:none;color:var(--faint)}\n",
    ".matrix td small{display:block;line-height:1.1;font-size:.72rem;color:inherit;\n",
    "  opacity:.8}\n",
    ".plot>svg{display:block;width:100%;height:auto;margin:.4rem 0;overflow:visible}\n",
    ".plot svg text{font-family:inherit}\n",
    ".plot svg path{stroke-linejoin:round}\n",
    ".panel{margin:0;color:var(--muted);font-size:.86rem}\n",
    ".key{width:2.1rem;height:.5rem;margin-right:.4rem;vertical-align:middle;fill:none}\n",
    "ul.legend{display:flex;flex-wrap:wrap;gap:.1rem 1rem;font-size:.88rem}\n",
    "button{padding:.35rem .9rem;border:1px solid var(--accent);border-radius:.4rem;\n",
    "  background:none;color:var(--accent);font:inherit;cursor:pointer}\n",
    "button:focus-visible,summary:focus-visible,a:focus-visible{\n",
    "  outline:2px solid var(--accent);outline-offset:2px}\n",
    "@media (max-width:40rem){body{padding-top:1rem}.card,.plot{padding:.8rem .75rem}\n",
    "  th,td{padding-right:.6rem}tbody th[scope=row],.groups tbody th{min-width:7rem}\n",
    "  .measures tbody th{white-space:normal}th small{display:block}\n",
    "  .matrix th[scope=row]{min-width:6.2rem;white-space:normal;line-height:1.2}}\n",
    "@media print{:root{--bg:#fff;--card:#fff;--text:#000;--muted:#444;--rule:#bbb;\n",
    "  --grid:#ddd;--faint:#999;--ramp:0 98 178;--good:#000;--bad:#000;--warn:#eee;\n",
    "  --line-1:#0b6cb3;--line-2:#c44e00;--line-3:#00805d;--line-4:#a03f84;\n",
    "  --line-5:#8a6a00;--line-6:#333}body{max-width:none;padding:0;font-size:11pt}\n",
    "  nav,#download{display:none}.card,.plot,tr{break-inside:avoid}h2,h3{\n",
    "  break-after:avoid}.scroll{overflow:visible}table{font-size:8.5pt}*{\n",
    "  -webkit-print-color-adjust:exact;print-color-adjust:exact}}\n",
};

/* Makes the button that saves the data; the page is whole without it. */
static const char *const script[] = {
    "(function () {\n",
    "  \"use strict\";\n",
    "  var place = document.getElementById(\"download\");\n",
    "  var data = document.getElementById(\"mist-data\");\n",
    "  var button = document.createElement(\"button\");\n",
    "  button.type = \"button\";\n",
    "  button.textContent = \"Save the data (JSON)\";\n",
    "  button.addEventListener(\"click\", function () {\n",
    "    var link = document.createElement(\"a\");\n",
    "    var blob = new Blob([data.textContent], { type: \"application/json\" });\n",
    "    link.href = URL.createObjectURL(blob);\n",
    "    link.download = (document.title.split(\" \")[0] || \"mist\") + \"-report.json\";\n",
    "    link.click();\n",
    "    URL.revokeObjectURL(link.href);\n",
    "  });\n",
    "  place.textContent = \"\";\n",
    "  place.appendChild(button);\n",
    "})();\n",
};
/* clang-format on */

/* Nothing is fetched, and no script runs but that one, known by its SHA-256: a test holds
 * the two together. */
static const char policy[] = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
                             "script-src "
                             "'sha256-bJ9qg9iaF0s3VX0lxrlVI3FrMam4oc6x5mZtUP+wTfQ='";

static void write_lines(FILE *out, const char *const *lines, size_t count)
{
    for (size_t i = 0; i < count; i++)
        fputs(lines[i], out);
}

void page_style(FILE *out)
{
    fprintf(out,
            "<meta http-equiv=\"Content-Security-Policy\" content=\"%s\">\n"
            "<link rel=\"icon\" href=\"data:,\">\n<style>\n",
            policy);
    write_lines(out, style, sizeof style / sizeof *style);
    fputs("</style>\n", out);
}

void page_script(FILE *out)
{
    fputs("<script>", out);
    write_lines(out, script, sizeof script / sizeof *script);
    fputs("</script>\n", out);
}
