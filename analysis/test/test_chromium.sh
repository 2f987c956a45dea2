#!/bin/sh
# test_chromium: the pages in a real browser, headless: no request, no error, no
# figure without its axis text, nothing wider than the window, at desktop and phone
# width, light and dark.
#
# usage: test_chromium.sh [FOLDER]     leaves screenshots and pages in FOLDER
#
# Without a Chromium it is skipped (77); apt-get install chromium.
set -u
build=${MIST_BUILD:-build}
command -v chromium >/dev/null || {
    echo "no chromium here; apt-get install chromium"
    exit 77
}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
shots=${1:-$scratch}
mkdir -p "$shots"
passed=0 failed=0

claim() { # CLAIM GOT EXPECTED
    if [ "$2" = "$3" ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "test_chromium: FAIL $1: got '$2', expected '$3'"
    fi
}

# No name resolves: neither the browser nor a page reaches anything.
browse() { # ARGUMENT...
    timeout 60 chromium --headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run \
        --disable-background-networking --disable-component-update --disable-sync \
        --host-resolver-rules='MAP * ~NOTFOUND' --hide-scrollbars \
        --user-data-dir="$scratch/profile" "$@"
}

# The page with a script of the test's: without policy, so that it may run.
probe() { # PAGE
    sed -e '/http-equiv="Content-Security-Policy"/d' "$1"
    cat <<'END'
<script>
var wide = [], blank = [];
document.querySelectorAll("body > *, section > *, .card, .plot").forEach(function (e) {
  if (e.getBoundingClientRect().right > innerWidth + 1) wide.push(e.tagName + "." + e.className);
});
document.querySelectorAll("svg[role=img]").forEach(function (svg) {
  var box = svg.getBoundingClientRect(), lines = 0;
  svg.querySelectorAll("path").forEach(function (p) {
    var line = /--line/.test(p.getAttribute("stroke"));
    if (line && p.getTotalLength() > 20) lines++;
  });
  if (box.width < 200 || box.height < 100 || !lines || svg.querySelectorAll("text").length < 5)
    blank.push(svg.parentNode.id);
});
document.title = "wide:" + wide.join() + " blank:" + blank.join() + " button:" +
  document.querySelectorAll("#download button").length;
</script>
END
}

# How many requests a page began; those of the browser itself have no origin.
requests() {
    grep -o '"initiator":"[^"]*"' "$scratch/net.json" | grep -vc 'not an origin'
}

look() { # NAME WIDTH HEIGHT SCHEME
    picture=$1-$2-$4
    page=$shots/$1/index.html
    scheme=1
    [ "$4" = light ] || scheme=0
    browse --blink-settings=preferredColorScheme="$scheme" --window-size="$2,$3" \
        --enable-logging=stderr --log-net-log="$scratch/net.json" \
        --screenshot="$shots/$picture.png" "file://$page" >"$scratch/log" 2>&1
    claim "$picture is drawn" "$?" 0
    claim "$picture says nothing on the console" "$(grep -c CONSOLE "$scratch/log")" 0
    claim "$picture asks nobody" "$(requests)" 0
    claim "$picture has a picture" "$(test -s "$shots/$picture.png" && echo yes)" yes
}

examine() { # NAME WIDTH
    probe "$shots/$1/index.html" >"$scratch/probe.html"
    browse --window-size="$2,900" --dump-dom "file://$scratch/probe.html" \
        >"$scratch/dom" 2>/dev/null
    claim "$1 at $2: nothing too wide, no blank figure, the button" \
        "$(grep -o '<title>wide:[^<]*' "$scratch/dom")" '<title>wide: blank: button:1'
}

"$build/mistsim" run scenarios/smoke/two-peers.yaml --quiet --out "$scratch/two.db" >/dev/null
"$build/mistsim" run scenarios/smoke/sweep.yaml --seeds 1..3 --quiet --out "$scratch/sweep.db" \
    >/dev/null
for name in two sweep; do
    "$build/mistsim" report "$scratch/$name.db" -o "$shots/$name" >/dev/null || failed=1
    look "$name" 1280 5200 light
    look "$name" 390 9000 dark
    for width in 1280 390; do
        examine "$name" "$width"
    done
done

# The checks can fail: a page that asks and complains, with a broken figure, a box too wide.
mkdir -p "$shots/broken"
sed -e 's/--line-1/--lost/g' -e 's/<main>/<main><p class="card" style="width:3000px">x<\/p>/' \
    "$shots/two/index.html" >"$shots/broken/index.html"
probe "$shots/broken/index.html" >"$scratch/probe.html"
browse --window-size=1280,900 --dump-dom "file://$scratch/probe.html" >"$scratch/dom" 2>/dev/null
claim 'the probe sees what is broken' \
    "$(grep -o '<title>wide:[^ ]* blank:figure' "$scratch/dom" | grep -c card)" 1
printf '<img src="http://mist.invalid/"><script>console.error(1)</script>' >"$scratch/asks.html"
browse --enable-logging=stderr --log-net-log="$scratch/net.json" --screenshot="$scratch/asks.png" \
    "file://$scratch/asks.html" >"$scratch/log" 2>&1
claim 'a request is seen' "$(requests)" 1
claim 'a word on the console is seen' "$(grep -c 'CONSOLE.*"1"' "$scratch/log")" 1
rm -rf "$shots/broken"

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
