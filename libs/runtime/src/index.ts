export * from "./port.ts";
export * from "./refusal.ts";
