/** Whether what is typed is a name: an accent may be a character of its own, as in the names of files from macOS. */
const plain = (name: string): string => name.trim().normalize('NFC')

export const isSameName = (typed: string, name: string): boolean => plain(typed) === plain(name)
