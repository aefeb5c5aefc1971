/** One sample of Prometheus' text format. */
export interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

export type Metrics = readonly Sample[]

/** Reads Prometheus' text format as prom-client writes it. */
export function parseMetrics(text: string): Metrics {
  return text.split('\n').flatMap((line) => {
    const [, name, labels = '', value] = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/.exec(line) ?? []
    return name === undefined ? [] : [{ name, labels: labelsOf(labels), value: Number(value) }]
  })
}

/** The sum over all samples of that name whose labels are accepted; 0 if there are none. */
export function sumOf(metrics: Metrics, name: string, accept: (labels: Readonly<Record<string, string>>) => boolean = () => true): number {
  return metrics.filter((sample) => sample.name === name && accept(sample.labels)).reduce((sum, { value }) => sum + value, 0)
}

function labelsOf(text: string): Record<string, string> {
  return Object.fromEntries([...text.matchAll(/([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g)].map(([, label = '', value = '']) => [label, value]))
}
