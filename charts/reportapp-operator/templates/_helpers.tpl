{{- define "reportapp-operator.fullname" -}}
{{- if contains "reportapp-operator" .Release.Name -}}
{{- .Release.Name | trunc 53 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-reportapp-operator" .Release.Name | trunc 53 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "reportapp-operator.selectorLabels" -}}
app.kubernetes.io/name: reportapp-operator
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "reportapp-operator.labels" -}}
{{ include "reportapp-operator.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | quote }}
{{- end -}}

{{- define "reportapp-operator.image" -}}
{{- if .Values.image.digest -}}
{{- printf "%s/reportapp-operator@%s" .Values.image.registry .Values.image.digest -}}
{{- else -}}
{{- printf "%s/reportapp-operator:%s" .Values.image.registry (.Values.image.tag | default .Chart.AppVersion) -}}
{{- end -}}
{{- end -}}

{{- /* Comma separated; empty in cluster scope. */ -}}
{{- define "reportapp-operator.namespaces" -}}
{{- if not .Values.clusterScope -}}
{{- join "," (.Values.watchNamespaces | default (list .Release.Namespace)) -}}
{{- end -}}
{{- end -}}
