#!/bin/sh
# test_ajv.sh: scenarios/schema.json before an independent validator, npm's ajv: it is
# a schema, takes every shipped scenario, and refuses what mistsim refuses.
#
# usage: MIST_BUILD=build sim/test/test_ajv.sh       from the top of the project
#
# Ends with 77 where there is no npm, or no registry to fetch ajv from.
set -u

case $MIST_BUILD in
/*) build=$MIST_BUILD ;;
*) build=$PWD/$MIST_BUILD ;;
esac
modules=$build/ajv # kept between runs

lacks() {
    echo "$1"
    exit 77
}

for program in npm node; do
    command -v $program >/dev/null || lacks "$program is missing: apt-get install npm"
done
mkdir -p "$modules"
if [ ! -d "$modules/node_modules/ajv" ]; then
    (cd "$modules" && timeout 120 npm install --silent --no-audit --no-fund --no-save \
        --fetch-retries=0 --fetch-timeout=20000 --prefix . ajv@8 js-yaml@4 >log 2>&1) ||
        lacks "npm cannot fetch ajv and js-yaml: $(tail -n 1 "$modules/log")"
fi

cat >"$modules/validate.js" <<'END'
const fs = require('fs'), os = require('os'), path = require('path');
const { spawnSync } = require('child_process');
const Ajv = require('ajv/dist/2020'), yaml = require('js-yaml');
const mistsim = process.argv[2];
let failures = 0;

function claim(name, test) {
    console.log('[ RUN      ] ' + name);
    const wrong = test();
    wrong.forEach(line => console.log(line));
    console.log((wrong.length ? '[  FAILED  ] ' : '[       OK ] ') + name);
    failures += wrong.length > 0;
}

function scenarios(folder) {
    return fs.readdirSync(folder, { withFileTypes: true }).flatMap(entry => {
        const file = path.join(folder, entry.name);
        if (entry.isDirectory()) return entry.name === 'latency' ? [] : scenarios(file);
        return file.endsWith('.yaml') ? [file] : [];
    });
}

const good = `
mist: 1
name: x
duration: 10 min
population:
- {name: server, count: 1, roles: bootstrap}
- {name: home, count: 2}
`;
// What is added to the good one, or stands alone after a bar.
const broken = [
    'stop_tme: 2 min', 'join: 10', 'join: 3 kB', 'join: -1 s', 'seed: one', 'seed: -1',
    'name2: x', 'network: {loss: 0.5}', 'network: {loss: 5 %, jiter: 1%}', 'network: 5%',
    'network: {latency: {}}', 'network: {latency: {constant: 1 ms, uniform: 1 ms..2 ms}}',
    'network: {latency: {uniform: 1 ms}}', 'record: {packets: maybe}', 'churn: {}',
    'faults: [{at: 1 min}]', 'faults: [{crash: home}]',
    'churn: {session: {weibull: {shape: 61%, scale: 1 h}}}',
    '- {name: far, count: 0}', '- {name: far, count: 4000001}', '- {name: a/b, count: 2}',
    '- {name: far}', '- {name: far, count: 2, family: 5}', '- {name: far, count: 2, roles: boss}',
    '- {name: far, count: 2, access: {up: 20 Mbps}}', '- {name: far, count: 2, behaviour: lair}',
    'workload: [{rate: 1/s}]', 'workload: [{dial: unifrom, rate: 1/s}]',
    'workload: [{dial: uniform, rate: 1}]', 'workload: [{dial: uniform, publish: uniform}]',
    'workload: {dial: uniform}', 'sweep: {network.loss: 2%}', 'sweep: {network.loss: []}',
    'expect: {dial.direct_ratio: ">= 1%"}', 'expect: {"lookup.count[home,home]": ">= 1"}',
    'expect: {matrix: {home: {home: maybe}}}', '|name: x\nduration: 1 s\npopulation: []',
    '|mist: 2\nname: x\nduration: 1 s\npopulation: []', '|- a list', '|just text',
];
const schema = JSON.parse(fs.readFileSync('scenarios/schema.json', 'utf8'));
const options = { strict: true, strictRequired: false, allowUnionTypes: true };
let validate;

claim('the_schema_is_one_of_draft_2020_12', () => {
    try {
        validate = new Ajv(options).compile(schema);
        return [];
    } catch (error) {
        return [error.message];
    }
});
if (!validate) process.exit(1);
claim('it_takes_every_shipped_scenario', () => {
    const files = scenarios('scenarios');
    return files.length < 15 ? ['only ' + files.length + ' scenarios'] : files.filter(
        file => !validate(yaml.load(fs.readFileSync(file, 'utf8'))))
        .map(file => file + ': refused');
});
claim('it_takes_the_one_that_is_then_broken', () => validate(yaml.load(good)) ? [] : ['refused']);
claim('it_refuses_what_mistsim_refuses', () => {
    const file = path.join(os.tmpdir(), 'mist-ajv-' + process.pid + '.yaml');
    const wrong = broken.flatMap(piece => {
        const text = piece[0] === '|' ? piece.slice(1) : good + piece + '\n';
        fs.writeFileSync(file, text);
        const code = spawnSync(mistsim, ['check', file]).status;
        return (code === 2 ? [] : [piece + ': mistsim check ends with ' + code])
            .concat(validate(yaml.load(text)) ? [piece + ': taken'] : []);
    });
    fs.unlinkSync(file);
    return wrong;
});
process.exit(failures ? 1 : 0);
END
NODE_PATH=$modules/node_modules node "$modules/validate.js" "$build/mistsim"
