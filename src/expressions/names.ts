/** What conditions and templates may speak of: plain JSON by name, e.g. `outcome`, `output`, `vars`. */
export type Names = Record<string, unknown>
