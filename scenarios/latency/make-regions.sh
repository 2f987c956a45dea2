#!/bin/sh
# Writes regions.yaml from a table of round-trip times between countries:
#
#     ./make-regions.sh rtt-countries-2025.csv >regions.yaml
#
# Columns: country_a, country_b, pings, rtt_avg_ms, rtt_std_ms, rtt_min_ms.
# The statistic and the weights are told in the file that it writes.
set -eu

regions='europe_west GB IE FR BE NL DE AT CH DK SE NO FI
europe_south ES PT IT GR
europe_east PL CZ RO UA RU
north_america US CA
latin_america MX BR AR CL CO
middle_east_north_africa TR IL SA AE EG
africa KE NG ZA
south_asia IN PK BD
southeast_asia ID MY PH SG TH VN
east_asia CN HK JP KR TW
oceania AU NZ'

cat <<'END'
# Made by make-regions.sh; do not edit.
source: >-
  RIPE Atlas daily ping dumps of five days in March and April 2025, by pair of countries, as
  aggregated in input-output-hk/ouroboros-leios, data/internet/country_rtt_stat.csv.gz: 52
  countries.
assumed: >-
  A round trip between two regions is the median of the means of their pairs of countries, weighted
  by the square root of pings so that no pair stands alone: single means hold outliers (wrong
  places, satellites, broken clocks), their median does not. 10 ms are taken off for the one last
  mile that a ping from a home to a data centre holds; a scenario adds its own by `access`. A mean
  is an upper guide (within north_america these are rather too long; within africa South Africa
  speaks for all), the minimum a lower one that is useless here: wrong places bring it near 0.
  Weights: about where the world's 5 to 6 billion internet users live (2024), in percent, rounded.
regions:
  - { name: europe_west, weight: 6 }              # GB IE FR BE NL DE AT CH DK SE NO FI
  - { name: europe_south, weight: 3 }             # ES PT IT GR
  - { name: europe_east, weight: 5 }              # PL CZ RO UA RU
  - { name: north_america, weight: 7 }            # US CA
  - { name: latin_america, weight: 9 }            # MX BR AR CL CO
  - { name: middle_east_north_africa, weight: 8 } # TR IL SA AE EG
  - { name: africa, weight: 8 }                   # KE NG ZA
  - { name: south_asia, weight: 20 }              # IN PK BD
  - { name: southeast_asia, weight: 10 }          # ID MY PH SG TH VN
  - { name: east_asia, weight: 23 }               # CN HK JP KR TW
  - { name: oceania, weight: 1 }                  # AU NZ
rtt: # row and column in the order of the regions
END

# A line "row column value weight" per pair of countries and direction, sorted by
# value within its cell; then the weighted median of each cell.
{
    echo "$regions" | sed 's/^/region /'
    tr ',' ' ' <"$1"
} | awk '
    $1 == "region" { for (i = 3; i <= NF; i++) region[$i] = n + 0; n++; next }
    ($1 in region) && ($2 in region) {
        a = region[$1]; b = region[$2]
        print a, b, $4, sqrt($3)
        if (a != b) print b, a, $4, sqrt($3)
    }' | sort -n -k1,1 -k2,2 -k3,3 | awk '
    function finish(    half, sum, i) {
        for (i = 1; i <= count; i++) half += weight[i] / 2
        for (i = 1; sum + weight[i] < half; i++) sum += weight[i]
        rtt = value[i] - 10
        row = row (row == "" ? "" : ", ") sprintf("%.0f ms", rtt < 1 ? 1 : rtt)
        count = 0
    }
    NR > 1 && ($1 != a || $2 != b) { finish() }
    NR > 1 && $1 != a { print "  - [" row "]"; row = "" }
    { a = $1; b = $2; value[++count] = $3; weight[count] = $4 }
    END { finish(); print "  - [" row "]" }'
