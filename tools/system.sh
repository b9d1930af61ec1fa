#!/bin/sh
# Install what the full tests need, from Debian's packages: Chromium, PostgreSQL, Node, and fonts for every script that we write.
set -eu
sudo=""
[ "$(id -u)" = 0 ] || sudo="sudo"
packages="chromium postgresql fonts-noto-core fonts-noto-cjk"
command -v npm >/dev/null 2>&1 || packages="$packages nodejs npm"
missing=""
for package in $packages; do
    dpkg -s "$package" >/dev/null 2>&1 || missing="$missing $package"
done
if [ -n "$missing" ]; then
    echo "Installing$missing ..."
    $sudo apt-get update -qq
    # shellcheck disable=SC2086
    DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends $missing >/dev/null
fi
# The oracles that decide what an SMS costs: development only, nothing of them is served.
echo "Installing the npm oracles ..."
npm ci --silent --no-audit --no-fund --prefix tests/npm
echo "System packages are there."
