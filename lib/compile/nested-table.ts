// The fields of every object inside PodSpec and Container that a checkpoint keeps or is made from, in the newest API
// (1.37), for one purpose: to notice a field that this version does not know. Written `field` or `field:Type`, where
// Type is another row. What becomes of each field is said by field-table.ts and volume-table.ts.

export interface NestedRow {
  readonly type: string;
  readonly fields: string;
  /**
   * - open: a field that is not here is somebody else's to judge (field-table.ts, volume-table.ts)
   * - kept: the object is carried as it is
   * - rebuilt: literals or files are made of it, so that a field nobody knows is lost
   */
  readonly treatment: 'open' | 'kept' | 'rebuilt';
}

const open = (type: string, fields: string): NestedRow => ({ type, fields, treatment: 'open' });
const kept = (type: string, fields: string): NestedRow => ({ type, fields, treatment: 'kept' });
const rebuilt = (type: string, fields: string): NestedRow => ({ type, fields, treatment: 'rebuilt' });

const PROFILE = 'localhostProfile type';

export const NESTED_TYPES: readonly NestedRow[] = [
  open(
    'PodSpec',
    'containers:Container dnsConfig:PodDNSConfig hostAliases:HostAlias initContainers:Container os:PodOS ' +
      'resources:ResourceRequirements securityContext:PodSecurityContext tolerations:Toleration volumes:Volume',
  ),
  kept('PodDNSConfig', 'nameservers options:PodDNSConfigOption searches'),
  kept('PodDNSConfigOption', 'name value'),
  kept('HostAlias', 'hostnames ip'),
  kept('PodOS', 'name'),
  kept('ResourceRequirements', 'claims limits requests'),
  kept('Toleration', 'effect key operator tolerationSeconds value'),

  kept(
    'PodSecurityContext',
    'appArmorProfile:AppArmorProfile fsGroup fsGroupChangePolicy runAsGroup runAsNonRoot runAsUser ' +
      'seLinuxChangePolicy seLinuxOptions:SELinuxOptions seccompProfile:SeccompProfile supplementalGroups ' +
      'supplementalGroupsPolicy sysctls:Sysctl windowsOptions:WindowsSecurityContextOptions',
  ),
  kept(
    'SecurityContext',
    'allowPrivilegeEscalation appArmorProfile:AppArmorProfile capabilities:Capabilities privileged procMount ' +
      'readOnlyRootFilesystem runAsGroup runAsNonRoot runAsUser seLinuxOptions:SELinuxOptions ' +
      'seccompProfile:SeccompProfile windowsOptions:WindowsSecurityContextOptions',
  ),
  kept('AppArmorProfile', PROFILE),
  kept('SeccompProfile', PROFILE),
  kept('SELinuxOptions', 'level role type user'),
  kept('Capabilities', 'add drop'),
  kept('Sysctl', 'name value'),
  kept(
    'WindowsSecurityContextOptions',
    'gmsaCredentialSpec gmsaCredentialSpecName hostProcess runAsUserName',
  ),

  open(
    'Container',
    'env:EnvVar envFrom:EnvFromSource lifecycle:Lifecycle livenessProbe:Probe ports:ContainerPort ' +
      'readinessProbe:Probe resizePolicy:ContainerResizePolicy resources:ResourceRequirements ' +
      'restartPolicyRules:ContainerRestartRule securityContext:SecurityContext startupProbe:Probe ' +
      'volumeMounts:VolumeMount',
  ),
  rebuilt('EnvVar', 'name value valueFrom:EnvVarSource'),
  // A source that is not known is refused (env.ts).
  open(
    'EnvVarSource',
    'configMapKeyRef:KeySelector fieldRef:ObjectFieldSelector fileKeyRef:FileKeySelector ' +
      'resourceFieldRef:ResourceFieldSelector secretKeyRef:KeySelector',
  ),
  kept('FileKeySelector', 'key optional path volumeName'),
  rebuilt('KeySelector', 'key name optional'),
  rebuilt('ObjectFieldSelector', 'apiVersion fieldPath'),
  rebuilt('ResourceFieldSelector', 'containerName divisor resource'),
  rebuilt('EnvFromSource', 'configMapRef:EnvSource prefix secretRef:EnvSource'),
  rebuilt('EnvSource', 'name optional'),
  kept('Lifecycle', 'postStart:LifecycleHandler preStop:LifecycleHandler stopSignal'),
  kept(
    'LifecycleHandler',
    'exec:ExecAction httpGet:HTTPGetAction sleep:SleepAction tcpSocket:TCPSocketAction',
  ),
  kept('ExecAction', 'command'),
  kept('HTTPGetAction', 'host httpHeaders:HTTPHeader path port protocol scheme'),
  kept('HTTPHeader', 'name value'),
  kept('SleepAction', 'seconds'),
  kept('TCPSocketAction', 'host port'),
  kept(
    'Probe',
    'exec:ExecAction failureThreshold grpc:GRPCAction httpGet:HTTPGetAction initialDelaySeconds periodSeconds ' +
      'successThreshold tcpSocket:TCPSocketAction terminationGracePeriodSeconds timeoutSeconds',
  ),
  kept('GRPCAction', 'mode port service'),
  kept('ContainerPort', 'containerPort hostIP hostPort name protocol'),
  kept('ContainerResizePolicy', 'resourceName restartPolicy'),
  kept('ContainerRestartRule', 'action exitCodes:ContainerRestartRuleOnExitCodes'),
  kept('ContainerRestartRuleOnExitCodes', 'operator values'),
  kept(
    'VolumeMount',
    'bindMountOptions mountPath mountPropagation name readOnly recursiveReadOnly subPath subPathExpr',
  ),

  open(
    'Volume',
    'configMap:ConfigMapVolumeSource downwardAPI:DownwardAPIVolumeSource ' +
      'emptyDir:EmptyDirVolumeSource fc:FCVolumeSource flexVolume:FlexVolumeSource ' +
      'hostPath:HostPathVolumeSource image:ImageVolumeSource iscsi:ISCSIVolumeSource nfs:NFSVolumeSource ' +
      'projected:ProjectedVolumeSource secret:SecretVolumeSource',
  ),
  // A secretRef in one of these is refused (volumes.ts).
  kept('EmptyDirVolumeSource', 'medium mode sizeLimit'),
  kept('FCVolumeSource', 'fsType lun readOnly targetWWNs wwids'),
  kept('FlexVolumeSource', 'driver fsType options readOnly secretRef'),
  kept('HostPathVolumeSource', 'path type'),
  kept('ImageVolumeSource', 'pullPolicy reference'),
  kept(
    'ISCSIVolumeSource',
    'chapAuthDiscovery chapAuthSession fsType initiatorName iqn iscsiInterface lun portals readOnly secretRef ' +
      'targetPortal',
  ),
  kept('NFSVolumeSource', 'path readOnly server'),
  rebuilt('ConfigMapVolumeSource', 'defaultMode defaultUser items:KeyToPath name optional'),
  rebuilt('SecretVolumeSource', 'defaultMode defaultUser items:KeyToPath optional secretName'),
  rebuilt('DownwardAPIVolumeSource', 'defaultMode defaultUser items:DownwardAPIVolumeFile'),
  rebuilt('ProjectedVolumeSource', 'defaultMode defaultUser sources:VolumeProjection'),
  // A source that is not known is refused (volume-payload.ts).
  open(
    'VolumeProjection',
    'clusterTrustBundle:ClusterTrustBundleProjection configMap:ObjectProjection ' +
      'downwardAPI:DownwardAPIProjection secret:ObjectProjection ' +
      'serviceAccountToken:ServiceAccountTokenProjection',
  ),
  rebuilt('ClusterTrustBundleProjection', 'labelSelector:LabelSelector name optional path signerName user'),
  rebuilt('LabelSelector', 'matchExpressions:LabelSelectorRequirement matchLabels'),
  rebuilt('LabelSelectorRequirement', 'key operator values'),
  rebuilt('ObjectProjection', 'items:KeyToPath name optional'),
  rebuilt('DownwardAPIProjection', 'items:DownwardAPIVolumeFile'),
  rebuilt('ServiceAccountTokenProjection', 'audience expirationSeconds path user'),
  rebuilt('KeyToPath', 'key mode path user'),
  rebuilt(
    'DownwardAPIVolumeFile',
    'fieldRef:ObjectFieldSelector mode path resourceFieldRef:ResourceFieldSelector user',
  ),
];
