// The part of Chart.js that the pages draw with. Loaded only when a chart comes into sight; nothing else may
// import the library, so that it stays in a piece of its own.
import {
  BarController, BarElement, CategoryScale, Chart, Filler, LinearScale, LineController, LineElement, PointElement, Tooltip,
} from 'chart.js'

Chart.register(BarController, BarElement, CategoryScale, Filler, LinearScale, LineController, LineElement, PointElement, Tooltip)

export { Chart }
