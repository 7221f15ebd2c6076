import type { Role } from '@openward/contracts';

/** Who may do what, in one table. A right that is not here does not exist; a route without one cannot be reached. */
export const PERMISSIONS = {
  'self:read': ['admin', 'auditor'],
  'tokens:write': ['admin'],
  'sites:read': ['admin', 'auditor'],
  'sites:write': ['admin'],
  'nodes:read': ['admin', 'auditor'],
  'nodes:write': ['admin'],
  'registry:read': ['admin', 'auditor'],
  'registry:write': ['admin'],
  'rollouts:read': ['admin', 'auditor'],
  'rollouts:write': ['admin'],
  'audit:read': ['admin', 'auditor'],
  'doctor:read': ['admin', 'auditor'],
  'network:write': ['admin'],
} as const satisfies Record<string, readonly Role[]>;

export type Right = keyof typeof PERMISSIONS;

export const mayDo = (role: Role, right: Right): boolean => (PERMISSIONS[right] as readonly Role[]).includes(role);
