import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

import type { IsolationMeasure } from '../port.ts';

/** Folders that the runtime's process is to have nothing of, and those inside them that it is to read all the same. */
export interface Fence {
  readonly hidden: readonly string[];
  readonly readable: readonly string[];
}

/** How the platform lets the child be fenced in, found by trying each measure, once. */
export interface Fencing {
  readonly network: boolean;
  readonly folders: boolean;
  readonly coreDump: boolean;
}

const run = promisify(execFile);

export const NAMESPACES = ['--user', '--map-current-user', '--net'];
export const MOUNT_NAMESPACES = ['--user', '--map-root-user', '--net', '--mount', '--propagation', 'private'];

/**
 * Covers each hidden folder with an empty file system, puts the readable folders back, and goes on as the same user
 * without the rights that it took to do so. Arguments: how many are hidden, those, how many are readable, those, `--`,
 * user, group, the command.
 */
export const COVER_AND_RUN = `
set -e
ulimit -c 0
hidden=$1; shift
covers=
while [ "$hidden" -gt 0 ]; do covers="$covers
$1"; shift; hidden=$((hidden - 1)); done
readable=$1; shift
fd=9
while [ "$readable" -gt 0 ]; do
  [ "$fd" -gt 3 ]
  eval "exec $fd<\\"\\$1\\"; show_$fd=\\$1"
  shift; readable=$((readable - 1)); fd=$((fd - 1))
done
shift
IFS='
'
for folder in $covers; do mount -t tmpfs -o size=1m,mode=0755 none "$folder"; done
shown=9
while [ "$shown" -gt "$fd" ]; do
  eval "folder=\\$show_$shown"
  mkdir -p "$folder"
  mount -c --bind "/proc/self/fd/$shown" "$folder"
  eval "exec $shown<&-"
  shown=$((shown - 1))
done
for folder in $covers; do mount -o remount,ro,bind "$folder"; done
IFS=' '
user=$1; group=$2; shift 2
exec unshare --user "--map-user=$user" "--map-group=$group" "$@"
`;

let found: Promise<Fencing> | undefined;

export function findFencing(): Promise<Fencing> {
  found ??= probe();
  return found;
}

async function probe(): Promise<Fencing> {
  if (process.platform === 'win32') return { network: false, folders: false, coreDump: false };
  const onLinux = (...args: Parameters<typeof works>) => process.platform === 'linux' && works(...args);
  const cover = 'mount -t tmpfs none /tmp && exec unshare --user --map-user=1 --map-group=1 true';
  const [coreDump, namespaces, mounts] = await Promise.all([
    works('sh', ['-c', 'ulimit -c 0']),
    onLinux('unshare', [...NAMESPACES, 'true']),
    onLinux('unshare', [...MOUNT_NAMESPACES, 'sh', '-c', cover]),
  ]);
  const network = coreDump && namespaces;
  return { network, folders: network && mounts, coreDump };
}

async function works(program: string, args: readonly string[]): Promise<boolean> {
  try {
    await run(program, args, { timeout: 10_000 });
    return true;
  } catch {
    return false;
  }
}

export function measuresOf(fencing: Fencing, fence: Fence): readonly IsolationMeasure[] {
  const isCovered = fencing.folders && fence.hidden.length > 0;
  return [
    { name: 'separateProcess', holds: true, why: 'It runs in a process of its own; a crash there ends nothing else.' },
    {
      name: 'noNetwork',
      holds: fencing.network,
      why: fencing.network
        ? 'It has a network namespace of its own with nothing in it (unshare --user --net).'
        : 'This system allows no network namespace to this user, so the process could open connections.',
    },
    {
      name: 'limitedFiles',
      holds: isCovered,
      why: whyFiles(fencing, fence),
    },
    {
      name: 'limitedScript',
      holds: true,
      why: "Node's --permission lets its JavaScript read the program and the models only, write nothing and start nothing; native code is not held by it.",
    },
    {
      name: 'noCoreDump',
      holds: fencing.coreDump,
      why: fencing.coreDump ? 'It runs under ulimit -c 0.' : 'This system has no ulimit; dumps are as it is set up.',
    },
  ];
}

function whyFiles(fencing: Fencing, fence: Fence): string {
  if (fence.hidden.length === 0) return 'No folder was named to be hidden from it; it reads what this user reads.';
  if (!fencing.folders)
    return 'This system allows no mounts to this user; native code could read what this user reads.';
  return "The agent's folders are covered with an empty file system before it starts; of them it sees the models only.";
}
