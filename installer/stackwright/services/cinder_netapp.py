"""Cinder on NetApp and SolidFire."""

from __future__ import annotations

from stackwright.model import Component, Option, Service
from stackwright.values import addresses, choice, count, exports, host, path, percentage, port, ratio, text, word, words

_NETAPP = (("CONFIG_CINDER_INSTALL", "y"), ("CONFIG_CINDER_BACKEND", "netapp"))
_NETAPP_ISCSI = (
    ("CONFIG_CINDER_INSTALL", "y"),
    ("CONFIG_CINDER_BACKEND", "netapp"),
    ("CONFIG_CINDER_NETAPP_STORAGE_FAMILY", "ontap_cluster|ontap_7mode"),
    ("CONFIG_CINDER_NETAPP_STORAGE_PROTOCOL", "iscsi"),
)
_NETAPP_NFS = (
    ("CONFIG_CINDER_INSTALL", "y"),
    ("CONFIG_CINDER_BACKEND", "netapp"),
    ("CONFIG_CINDER_NETAPP_STORAGE_PROTOCOL", "nfs"),
)
_NETAPP_7MODE = (
    ("CONFIG_CINDER_INSTALL", "y"),
    ("CONFIG_CINDER_BACKEND", "netapp"),
    ("CONFIG_CINDER_NETAPP_STORAGE_FAMILY", "ontap_7mode"),
    ("CONFIG_CINDER_NETAPP_STORAGE_PROTOCOL", "iscsi"),
)
_NETAPP_7MODE_FC = (
    ("CONFIG_CINDER_INSTALL", "y"),
    ("CONFIG_CINDER_BACKEND", "netapp"),
    ("CONFIG_CINDER_NETAPP_STORAGE_FAMILY", "ontap_7mode"),
    ("CONFIG_CINDER_NETAPP_STORAGE_PROTOCOL", "fc"),
)
_NETAPP_CLUSTER = (
    ("CONFIG_CINDER_INSTALL", "y"),
    ("CONFIG_CINDER_BACKEND", "netapp"),
    ("CONFIG_CINDER_NETAPP_STORAGE_FAMILY", "ontap_cluster"),
    ("CONFIG_CINDER_NETAPP_STORAGE_PROTOCOL", "nfs|iscsi"),
)
_NETAPP_ESERIES = (
    ("CONFIG_CINDER_INSTALL", "y"),
    ("CONFIG_CINDER_BACKEND", "netapp"),
    ("CONFIG_CINDER_NETAPP_STORAGE_FAMILY", "eseries"),
)
_SOLIDFIRE = (("CONFIG_CINDER_INSTALL", "y"), ("CONFIG_CINDER_BACKEND", "solidfire"))

OPTIONS: tuple[Option, ...] = (
    Option(
        "CONFIG_CINDER_NETAPP_LOGIN",
        "User at the NetApp system or its web service proxy.",
        default="",
        parse=text,
        when=_NETAPP,
        flag="cinder-netapp-login",
        required=True,
    ),
    Option(
        "CONFIG_CINDER_NETAPP_PASSWORD",
        "Password of that user.",
        default="",
        parse=text,
        secret=True,
        when=_NETAPP,
        flag="cinder-netapp-password",
        required=True,
    ),
    Option(
        "CONFIG_CINDER_NETAPP_HOSTNAME",
        "Address of the NetApp system or its web service proxy.",
        default="",
        parse=host,
        when=_NETAPP,
        flag="cinder-netapp-hostname",
        required=True,
    ),
    Option(
        "CONFIG_CINDER_NETAPP_SERVER_PORT",
        "Port there: 80 with http, 443 with https, 8080 or 8443 for the proxy.",
        default="80",
        parse=port,
        when=_NETAPP,
        flag="cinder-netapp-server-port",
    ),
    Option(
        "CONFIG_CINDER_NETAPP_STORAGE_FAMILY",
        "Kind of NetApp system: clustered Data ONTAP, Data ONTAP in 7-mode, or E-Series.",
        default="ontap_cluster",
        parse=choice("ontap_7mode", "ontap_cluster", "eseries"),
        choices=(
            "ontap_7mode",
            "ontap_cluster",
            "eseries",
        ),
        when=_NETAPP,
        flag="cinder-netapp-storage-family",
    ),
    Option(
        "CONFIG_CINDER_NETAPP_TRANSPORT_TYPE",
        "Talk to it in the clear (http) or encrypted (https).",
        default="http",
        parse=choice("http", "https"),
        choices=(
            "http",
            "https",
        ),
        when=_NETAPP,
        flag="cinder-netapp-transport-type",
    ),
    Option(
        "CONFIG_CINDER_NETAPP_STORAGE_PROTOCOL",
        "How hosts reach the volumes.",
        default="nfs",
        parse=choice("iscsi", "fc", "nfs"),
        choices=(
            "iscsi",
            "fc",
            "nfs",
        ),
        when=_NETAPP,
        flag="cinder-netapp-storage-protocol",
    ),
    Option(
        "CONFIG_CINDER_NETAPP_SIZE_MULTIPLIER",
        "Space to reserve for each requested byte, for snapshots and metadata.",
        default="1.0",
        parse=ratio,
        when=_NETAPP_ISCSI,
        flag="cinder-netapp-size-multiplier",
    ),
    Option(
        "CONFIG_CINDER_NETAPP_EXPIRY_THRES_MINUTES",
        "Minutes for which an unused image stays in the NFS image cache.",
        default="720",
        parse=count,
        when=_NETAPP_NFS,
        flag="cinder-netapp-expiry-thres-minutes",
    ),
    Option(
        "CONFIG_CINDER_NETAPP_THRES_AVL_SIZE_PERC_START",
        "Free space in percent below which the image cache is cleaned.",
        default="20",
        parse=percentage,
        when=_NETAPP_NFS,
        flag="cinder-netapp-thres-avl-size-perc-start",
    ),
    Option(
        "CONFIG_CINDER_NETAPP_THRES_AVL_SIZE_PERC_STOP",
        "Free space in percent at which that cleaning stops.",
        default="60",
        parse=percentage,
        when=_NETAPP_NFS,
        flag="cinder-netapp-thres-avl-size-perc-stop",
    ),
    Option(
        "CONFIG_CINDER_NETAPP_NFS_SHARES",
        "NFS exports of the NetApp system, with commas.",
        default="",
        parse=exports,
        when=_NETAPP_NFS,
        flag="cinder-netapp-nfs-shares",
    ),
    Option(
        "CONFIG_CINDER_NETAPP_NFS_SHARES_CONFIG",
        "File on the storage host that lists these exports.",
        default="/etc/cinder/shares.conf",
        parse=path,
        when=_NETAPP_NFS,
        flag="cinder-netapp-nfs-shares-config",
    ),
    Option(
        "CONFIG_CINDER_NETAPP_VOLUME_LIST",
        "Volumes of the 7-mode system that may be used, with commas.",
        default="",
        parse=words,
        when=_NETAPP_7MODE,
        flag="cinder-netapp-volume-list",
        required=True,
    ),
    Option(
        "CONFIG_CINDER_NETAPP_VFILER",
        "vFiler unit that provides the volumes.",
        default="",
        parse=text,
        when=_NETAPP_7MODE,
        flag="cinder-netapp-vfiler",
        required=True,
    ),
    Option(
        "CONFIG_CINDER_NETAPP_PARTNER_BACKEND_NAME",
        "Name of the partner's back end in a 7-mode pair.",
        default="",
        parse=text,
        when=_NETAPP_7MODE_FC,
        flag="cinder-netapp-partner-backend-name",
        required=True,
    ),
    Option(
        "CONFIG_CINDER_NETAPP_VSERVER",
        "Storage virtual machine that provides the volumes.",
        default="",
        parse=text,
        when=_NETAPP_CLUSTER,
        flag="cinder-netapp-vserver",
        required=True,
    ),
    Option(
        "CONFIG_CINDER_NETAPP_CONTROLLER_IPS",
        "Addresses of the E-Series controllers, with commas.",
        default="",
        parse=addresses,
        when=_NETAPP_ESERIES,
        flag="cinder-netapp-controller-ips",
    ),
    Option(
        "CONFIG_CINDER_NETAPP_SA_PASSWORD",
        "Password of the E-Series array.",
        default="",
        parse=text,
        secret=True,
        when=_NETAPP_ESERIES,
        flag="cinder-netapp-sa-password",
    ),
    Option(
        "CONFIG_CINDER_NETAPP_ESERIES_HOST_TYPE",
        "Host type that E-Series uses for this cloud's hosts.",
        default="linux_dm_mp",
        parse=word,
        when=_NETAPP_ESERIES,
        flag="cinder-netapp-eseries-host-type",
        required=True,
    ),
    Option(
        "CONFIG_CINDER_NETAPP_WEBSERVICE_PATH",
        "Path of the web service on the E-Series proxy.",
        default="/devmgr/v2",
        parse=path,
        when=_NETAPP_ESERIES,
        flag="cinder-netapp-webservice-path",
    ),
    Option(
        "CONFIG_CINDER_NETAPP_STORAGE_POOLS",
        "E-Series pools that may be used, with commas.",
        default="",
        parse=words,
        when=_NETAPP_ESERIES,
        flag="cinder-netapp-storage-pools",
    ),
    Option(
        "CONFIG_CINDER_SOLIDFIRE_LOGIN",
        "Administrator of the SolidFire cluster.",
        default="",
        parse=text,
        when=_SOLIDFIRE,
        flag="cinder-solidfire-login",
        required=True,
    ),
    Option(
        "CONFIG_CINDER_SOLIDFIRE_PASSWORD",
        "Password of that administrator.",
        default="",
        parse=text,
        secret=True,
        when=_SOLIDFIRE,
        flag="cinder-solidfire-password",
        required=True,
    ),
    Option(
        "CONFIG_CINDER_SOLIDFIRE_HOSTNAME",
        "Management address of the SolidFire cluster.",
        default="",
        parse=host,
        when=_SOLIDFIRE,
        flag="cinder-solidfire-hostname",
        required=True,
    ),
)

COMPONENTS: tuple[Component, ...] = ()

SERVICE = Service(
    "cinder_netapp",
    "Cinder on NetApp and SolidFire",
    OPTIONS,
    COMPONENTS,
)
