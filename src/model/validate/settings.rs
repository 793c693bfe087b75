//! The fields of the kinds that configure Calico, and the types of their values, as its CRDs have them in 3.28. Later
//! releases add fields, which are no errors.
//! Never knows which values are right.

use super::Kind;
use super::shape::Shape;

type Fields = &'static [(&'static str, Shape)];

const TEXTS: Shape = Shape::List(&Shape::Text);

const IP_POOL: Fields = &[
    ("cidr", Shape::Text),
    ("vxlanMode", Shape::Text),
    ("ipipMode", Shape::Text),
    ("natOutgoing", Shape::Flag),
    ("disabled", Shape::Flag),
    ("disableBGPExport", Shape::Flag),
    ("blockSize", Shape::Whole),
    ("nodeSelector", Shape::Text),
    ("ipip", Shape::Fields(&[("enabled", Shape::Flag), ("mode", Shape::Text)])),
    ("nat-outgoing", Shape::Flag),
    ("allowedUses", TEXTS),
];

const CIDR_BLOCKS: Shape = Shape::List(&Shape::Fields(&[("cidr", Shape::Text)]));

/// Kubernetes' SecretKeySelector.
const PASSWORD: Shape = Shape::Fields(&[(
    "secretKeyRef",
    Shape::Fields(&[("name", Shape::Text), ("key", Shape::Text), ("optional", Shape::Flag)]),
)]);

const BGP_CONFIGURATION: Fields = &[
    ("logSeverityScreen", Shape::Text),
    ("nodeToNodeMeshEnabled", Shape::Flag),
    ("asNumber", Shape::WholeOrText),
    ("serviceLoadBalancerIPs", CIDR_BLOCKS),
    ("serviceExternalIPs", CIDR_BLOCKS),
    ("serviceClusterIPs", CIDR_BLOCKS),
    ("communities", Shape::List(&Shape::Fields(&[("name", Shape::Text), ("value", Shape::Text)]))),
    ("prefixAdvertisements", Shape::List(&Shape::Fields(&[("cidr", Shape::Text), ("communities", TEXTS)]))),
    ("listenPort", Shape::Whole),
    ("nodeMeshPassword", PASSWORD),
    ("nodeMeshMaxRestartTime", Shape::Duration),
    ("bindMode", Shape::Text),
    ("ignoredInterfaces", TEXTS),
];

const BGP_PEER: Fields = &[
    ("node", Shape::Text),
    ("nodeSelector", Shape::Text),
    ("peerIP", Shape::Text),
    ("asNumber", Shape::WholeOrText),
    ("peerSelector", Shape::Text),
    ("keepOriginalNextHop", Shape::Flag),
    ("password", PASSWORD),
    ("sourceAddress", Shape::Text),
    ("maxRestartTime", Shape::Duration),
    ("numAllowedLocalASNumbers", Shape::Whole),
    ("ttlSecurity", Shape::Whole),
    ("reachableBy", Shape::Text),
    ("filters", TEXTS),
];

const CLUSTER_INFORMATION: Fields = &[
    ("clusterGUID", Shape::Text),
    ("clusterType", Shape::Text),
    ("calicoVersion", Shape::Text),
    ("datastoreReady", Shape::Flag),
    ("variant", Shape::Text),
];

const CONTROLLER: Shape = Shape::Fields(&[("reconcilerPeriod", Shape::Duration)]);

const KUBE_CONTROLLERS: Fields = &[
    ("logSeverityScreen", Shape::Text),
    ("healthChecks", Shape::Text),
    ("etcdV3CompactionPeriod", Shape::Duration),
    ("prometheusMetricsPort", Shape::Whole),
    ("debugProfilePort", Shape::Whole),
    (
        "controllers",
        Shape::Fields(&[
            (
                "node",
                Shape::Fields(&[
                    ("reconcilerPeriod", Shape::Duration),
                    ("syncLabels", Shape::Text),
                    ("hostEndpoint", Shape::Fields(&[("autoCreate", Shape::Text)])),
                    ("leakGracePeriod", Shape::Duration),
                ]),
            ),
            ("policy", CONTROLLER),
            ("workloadEndpoint", CONTROLLER),
            ("serviceAccount", CONTROLLER),
            ("namespace", CONTROLLER),
        ]),
    ),
];

const PROTO_PORTS: Shape =
    Shape::List(&Shape::Fields(&[("protocol", Shape::Text), ("port", Shape::Whole), ("net", Shape::Text)]));
const TABLES: &[(&str, Shape)] = &[("min", Shape::Whole), ("max", Shape::Whole)];

/// Fields of a FelixConfiguration that are neither flags, numbers, texts nor durations.
const FELIX: Fields = &[
    ("healthTimeoutOverrides", Shape::List(&Shape::Fields(&[("name", Shape::Text), ("timeout", Shape::Duration)]))),
    ("failsafeInboundHostPorts", PROTO_PORTS),
    ("failsafeOutboundHostPorts", PROTO_PORTS),
    ("kubeNodePortRanges", Shape::List(&Shape::WholeOrText)),
    ("natPortRange", Shape::WholeOrText),
    ("bpfPSNATPorts", Shape::WholeOrText),
    ("externalNodesList", TEXTS),
    ("bpfLogFilters", Shape::TextByKey),
    ("bpfDSROptoutCIDRs", TEXTS),
    ("bpfForceTrackPacketsFromIfaces", TEXTS),
    ("bpfExcludeCIDRsFromNAT", TEXTS),
    ("routeTableRanges", Shape::List(&Shape::Fields(TABLES))),
    ("routeTableRange", Shape::Fields(TABLES)),
];

/// What a FelixConfiguration has of each plain type; its names are one to a word.
const FELIX_PLAIN: &[(Shape, &str)] = &[
    (
        Shape::Flag,
        "useInternalDataplaneDriver ipv6Support ipipEnabled vxlanEnabled allowVXLANPacketsFromWorkloads \
         allowIPIPPacketsFromWorkloads endpointReportingEnabled disableConntrackInvalidCheck healthEnabled \
         prometheusMetricsEnabled prometheusGoMetricsEnabled prometheusProcessMetricsEnabled \
         prometheusWireGuardMetricsEnabled usageReportingEnabled removeExternalRoutes debugDisableLogDropping \
         sidecarAccelerationEnabled xdpEnabled genericXDPEnabled bpfEnabled bpfDisableUnprivileged \
         bpfConnectTimeLoadBalancingEnabled bpfKubeProxyIptablesCleanupEnabled bpfKubeProxyEndpointSlicesEnabled \
         bpfHostConntrackBypass bpfPolicyDebugEnabled routeSyncDisabled wireguardEnabled wireguardEnabledV6 wireguardThreadingEnabled \
         wireguardHostEncryptionEnabled",
    ),
    (
        Shape::Whole,
        "maxIpsetSize metadataPort ipipMTU vxlanMTU vxlanMTUV6 vxlanPort vxlanVNI iptablesMarkMask healthPort \
         prometheusMetricsPort deviceRouteProtocol debugPort bpfExtToServiceConnmark bpfMapSizeNATFrontend \
         bpfMapSizeNATBackend bpfMapSizeNATAffinity bpfMapSizeRoute bpfMapSizeConntrack bpfMapSizeIPSets \
         bpfMapSizeIfState wireguardListeningPort wireguardListeningPortV6 wireguardRoutingRulePriority wireguardMTU \
         wireguardMTUV6 goGCThreshold goMemoryLimitMB",
    ),
    (
        Shape::Duration,
        "dataplaneWatchdogTimeout routeRefreshInterval interfaceRefreshInterval iptablesRefreshInterval \
         iptablesPostWriteCheckInterval iptablesLockTimeout iptablesLockProbeInterval ipsetsRefreshInterval \
         xdpRefreshInterval netlinkTimeout reportingInterval reportingTTL endpointReportingDelay \
         usageReportingInitialDelay usageReportingInterval debugSimulateCalcGraphHangAfter \
         debugSimulateDataplaneHangAfter debugSimulateDataplaneApplyDelay bpfKubeProxyMinSyncPeriod wireguardKeepAlive",
    ),
    (
        Shape::Text,
        "dataplaneDriver iptablesLockFilePath featureDetectOverride featureGates iptablesBackend metadataAddr \
         openstackRegion interfacePrefix interfaceExclude chainInsertMode defaultEndpointToHostAction \
         iptablesFilterAllowAction iptablesMangleAllowAction iptablesFilterDenyAction logPrefix logFilePath \
         logSeverityFile logSeverityScreen logSeveritySys logDebugFilenameRegex endpointStatusPathPrefix healthHost \
         prometheusMetricsHost policySyncPathPrefix natOutgoingAddress deviceRouteSourceAddress \
         deviceRouteSourceAddressIPv6 debugMemoryProfilePath debugHost iptablesNATOutgoingInterfaceFilter bpfLogLevel \
         bpfCTLBLogFilter bpfDataIfacePattern bpfL3IfacePattern bpfConnectTimeLoadBalancing \
         bpfHostNetworkedNATWithoutCTLB bpfExternalServiceMode bpfEnforceRPF bpfDisableGROForIfaces routeSource \
         wireguardInterfaceName wireguardInterfaceNameV6 awsSrcDstCheck serviceLoopPrevention workloadSourceSpoofing \
         mtuIfacePattern floatingIPs windowsManageFirewallRules",
    ),
];

/// The fields of a kind that configures Calico; none for the others.
pub(super) fn spec(kind: Kind) -> Option<Fields> {
    Some(match kind {
        Kind::IPPool => IP_POOL,
        Kind::BGPConfiguration => BGP_CONFIGURATION,
        Kind::BGPPeer => BGP_PEER,
        Kind::ClusterInformation => CLUSTER_INFORMATION,
        Kind::KubeControllersConfiguration => KUBE_CONTROLLERS,
        Kind::FelixConfiguration => FELIX,
        _ => return None,
    })
}

/// The type of a plain field of a FelixConfiguration.
pub(super) fn felix_plain(name: &str) -> Option<&'static Shape> {
    let has = |names: &str| names.split_ascii_whitespace().any(|known| known == name);
    FELIX_PLAIN.iter().find(|(_, names)| has(names)).map(|(shape, _)| shape)
}
