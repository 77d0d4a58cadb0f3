/** A letter, and the two forms it is sent in. Both say the same; neither loads anything from anywhere. */

export interface Letter {
  readonly subject: string
  readonly parts: readonly Part[]
}

/** A paragraph, a table of facts, or a link that stands alone. */
export type Part =
  | string
  | { readonly facts: readonly (readonly [name: string, value: string])[] }
  | { readonly link: string; readonly label: string }

export const asText = ({ parts }: Letter): string =>
  `${parts
    .map((part) => {
      if (typeof part === 'string') return part
      if ('facts' in part) return part.facts.map(([name, value]) => `${name}: ${value}`).join('\n')
      return `${part.label}:\n${part.link}`
    })
    .join('\n\n')}\n`

export const asHtml = ({ subject, parts }: Letter): string => `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>${escaped(subject)}</title></head>
<body style="font-family: sans-serif; line-height: 1.5; max-width: 36em">
${parts.map(partAsHtml).join('\n')}
</body>
</html>
`

const partAsHtml = (part: Part): string => {
  if (typeof part === 'string') return `<p>${escaped(part)}</p>`
  if ('facts' in part) {
    const rows = part.facts.map(([name, value]) => `<tr><td>${escaped(name)}</td><td>${escaped(value)}</td></tr>`)
    return `<table cellpadding="4">${rows.join('')}</table>`
  }
  // The address in full beside the label: a reader can see where it leads, and copy it.
  return `<p><a href="${escaped(part.link)}">${escaped(part.label)}</a><br><small>${escaped(part.link)}</small></p>`
}

const escaped = (text: string): string => text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
