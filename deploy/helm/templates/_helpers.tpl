{{- define "millrace.labels" -}}
app.kubernetes.io/name: {{ .root.Chart.Name }}
app.kubernetes.io/instance: {{ .root.Release.Name | quote }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "millrace.image" -}}
{{ .root.Values.image.registry }}/{{ .component }}:{{ .root.Values.image.tag | default .root.Chart.AppVersion }}
{{- end }}

{{/* What the chart of NATS calls its service. */}}
{{- define "millrace.brokerName" -}}
{{- $chart := .Values.nats.nameOverride | default "nats" -}}
{{- $own := contains $chart .Release.Name | ternary .Release.Name (printf "%s-%s" .Release.Name $chart) -}}
{{ .Values.nats.fullnameOverride | default $own | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "millrace.brokerUrl" -}}
{{- if .Values.broker.url -}}
{{ .Values.broker.url }}
{{- else if .Values.nats.enabled -}}
nats://{{ include "millrace.brokerName" . }}:4222
{{- else -}}
{{ fail "broker.url: where the broker is (or nats.enabled: true)" }}
{{- end -}}
{{- end }}

{{- define "millrace.brokerMonitoring" -}}
{{- if .Values.broker.monitoring -}}
{{ .Values.broker.monitoring }}
{{- else if .Values.nats.enabled -}}
{{ include "millrace.brokerName" . }}-headless.{{ .Release.Namespace }}.svc:8222
{{- else -}}
{{ fail "broker.monitoring: host:port of the broker's monitoring, for the autoscaler" }}
{{- end -}}
{{- end }}

{{- define "millrace.secretName" -}}
{{ .Values.secrets.existingSecret | default (printf "%s-millrace" .Release.Name) }}
{{- end }}

{{/* Environment of every service. */}}
{{- define "millrace.env" -}}
- name: MILLRACE_NATS_URL
  value: {{ include "millrace.brokerUrl" .root | quote }}
- name: MILLRACE_LOG_LEVEL
  value: {{ .root.Values.logLevel | quote }}
{{- with .root.Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- with .extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "millrace.podSecurity" -}}
runAsNonRoot: true
runAsUser: 1000
runAsGroup: 1000
fsGroup: 1000
seccompProfile: { type: RuntimeDefault }
{{- end }}

{{- define "millrace.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
{{- end }}

{{/* A process that waits for the broker or a coordinator lives, and is not ready. */}}
{{- define "millrace.probes" -}}
startupProbe:
  httpGet: { path: /healthz, port: health }
  periodSeconds: 2
  failureThreshold: 60
livenessProbe:
  httpGet: { path: /healthz, port: health }
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
readinessProbe:
  httpGet: { path: /readyz, port: health }
  periodSeconds: 5
  timeoutSeconds: 5
{{- end }}

{{- define "millrace.mounts" -}}
- name: tmp
  mountPath: /tmp
{{- range .root.Values.extraSecrets }}
- name: secret-{{ . }}
  mountPath: /etc/millrace/{{ . }}
  readOnly: true
{{- end }}
{{- end }}

{{- define "millrace.volumes" -}}
- name: tmp
  emptyDir: {}
{{- range .root.Values.extraSecrets }}
- name: secret-{{ . }}
  secret:
    secretName: {{ . | quote }}
{{- end }}
{{- end }}

{{/* What reads and writes the broker's secrets has the master key as a file. */}}
{{- define "millrace.masterKeyMount" -}}
- name: keys
  mountPath: /run/secrets
  readOnly: true
{{- end }}

{{- define "millrace.masterKeyVolume" -}}
- name: keys
  secret:
    secretName: {{ include "millrace.secretName" .root | quote }}
    items: [{ key: master-key, path: master-key }]
{{- end }}

{{/* Pods of one service on different nodes, where there are several. */}}
{{- define "millrace.spread" -}}
- maxSkew: 1
  topologyKey: kubernetes.io/hostname
  whenUnsatisfiable: ScheduleAnyway
  labelSelector:
    matchLabels:
      {{- include "millrace.labels" . | nindent 6 }}
{{- end }}

{{/* How many runs of a preset fit into an agent, as the agent itself counts them. */}}
{{- define "millrace.capacity" -}}
{{- $sizes := dict "micro" (list 0.25 0.25) "small-1x" (list 0.5 0.5) "small-2x" (list 1.0 1.0) "medium-1x" (list 1.0 2.0) "medium-2x" (list 2.0 4.0) "large-1x" (list 4.0 8.0) "large-2x" (list 8.0 16.0) -}}
{{- $size := get $sizes .preset -}}
{{- $byCpu := floor (divf .cpus (index $size 0)) | int -}}
{{- $byMemory := floor (divf .memoryGb (index $size 1)) | int -}}
{{- $fits := min $byCpu $byMemory -}}
{{- if lt $fits 1 }}{{ fail (printf "agents: %s does not fit into %v CPUs and %v GB" .preset .cpus .memoryGb) }}{{ end -}}
{{ $fits }}
{{- end }}

{{/* A pool as a part of a consumer's name: what such a name forbids is written as =XXXX. */}}
{{- define "millrace.poolToken" -}}
{{- $token := . | replace "." "=002e" | replace "@" "=0040" -}}
{{- if gt (len $token) 100 }}{{ fail (printf "agents: pool and version %q are too long for the autoscaler to name their consumers" .) }}{{ end -}}
{{ $token }}
{{- end }}
