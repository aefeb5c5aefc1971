{{- define "hotplugd.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else if contains "hotplugd" .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-hotplugd" .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "hotplugd.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "hotplugd.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- required "serviceAccount.name is needed when serviceAccount.create is false" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{/* Of cluster-wide objects: two releases of one name in different namespaces must not share them. */}}
{{- define "hotplugd.clusterName" -}}
{{- printf "%s.%s" (include "hotplugd.fullname" .) .Release.Namespace -}}
{{- end -}}

{{- define "hotplugd.selectorLabels" -}}
app.kubernetes.io/name: hotplugd
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "hotplugd.labels" -}}
{{ include "hotplugd.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "hotplugd.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end -}}
